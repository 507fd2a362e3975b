// A file from wherever its name says, as a local file.
#pragma once

#include <string>

#include "worker/base/file.h"
#include "worker/data/http_fetch.h"

namespace podium {

struct FetchOptions {
  fs::path cache_folder = "data";
  std::string sha256;  // of the file, 64 hexadecimal digits; empty: not checked
  HttpOptions http;
};

// A path or file:// URL gives the path itself, which must exist. An http:// or https:// URL is downloaded into the
// cache folder, under a name made of the URL's hash and its last part, and appears there only when it is whole and has
// the checksum; a file that is already there is used again. Throws Error that says what to do.
fs::path fetch(const std::string& url_or_path, const FetchOptions& options);

// SHA-256 of a file's content, read piece by piece.
std::string sha256_of_file(const fs::path& path);

}  // namespace podium
