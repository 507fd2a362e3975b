// gs://bucket/folder, and the URLs of what is in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace podium {

struct GcsPlace {
  std::string bucket;
  std::string folder;  // without a slash at its ends; "": the bucket itself

  // "gs://bucket/folder/NAME"
  std::string text(const std::string& name = "") const;
  // The object's name in the bucket: "folder/NAME".
  std::string object(const std::string& name) const;
};

bool is_gcs_place(std::string_view text);  // begins with gs://
// Throws Error naming `text` when it is no place with a bucket's name and a folder whose objects can be named.
GcsPlace parse_gcs_place(std::string_view text);

// As Google allows them: 3 to 63 (with dots 222) lower-case letters, digits, "-", "_", ".".
bool is_bucket_name(std::string_view name);

}  // namespace podium
