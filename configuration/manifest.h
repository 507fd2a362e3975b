// kubernetes/stateful-set.yaml holds the text of configuration/settings.yaml and its worker_count: kept in step here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/base/file.h"

namespace podium {

// The settings as they go into a ConfigMap: without a byte order mark, without carriage returns at the ends of lines,
// with one newline at the end. Throws Error naming `name` and the line of a character that is no line's end to our
// loader but is one to kubectl, or that kubectl refuses.
std::string config_map_text(std::string_view settings, const std::string& name);

// `manifest` with `settings`, which is such a text, between its lines "# begin settings.yaml" and "# end
// settings.yaml", and `replicas` between "# begin replicas" and "# end replicas"; all other bytes stay. Throws Error
// naming `name` and the line that is missing or there twice.
std::string manifest_with(std::string_view manifest, std::string_view settings, int64_t replicas,
                          const std::string& name);

// Does it to the files; what the loader refuses is refused. An Error leaves the manifest as it is. Whether it changed.
bool write_manifest(const fs::path& settings_file, const fs::path& manifest_file);

}  // namespace podium
