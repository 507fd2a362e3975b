#include "worker/data/fetch.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "worker/base/hash.h"
#include "worker/data/bad_data.h"

namespace podium {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Throws Error when the file is not the one expected.
void check_sha256(const fs::path& path, const std::string& name, const std::string& expected) {
  if (expected.empty()) return;
  const std::string found = sha256_of_file(path);
  if (found != lower_case(expected)) throw Error("{}: its SHA-256 is {}, expected was {}", name, found, expected);
}

fs::path existing_file(const fs::path& path, const FetchOptions& options) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw BadData("{}: there is no such file", path.string());
  if (fs::is_directory(status)) throw BadData("{}: is a folder, a file was expected", path.string());
  check_sha256(path, path.string(), options.sha256);
  return path;
}

// The last part of the URL's path, with nothing in it that a file name or a shell would mind.
std::string file_name_of(std::string url) {
  url.resize(std::min(url.find_first_of("?#"), url.size()));
  std::string name = url.substr(url.rfind('/') + 1);
  std::erase_if(name,
                [](unsigned char c) { return c >= 0x80 || (!std::isalnum(c) && c != '.' && c != '-' && c != '_'); });
  constexpr size_t kLongest = 100;
  if (name.size() > kLongest) name.erase(0, name.size() - kLongest);
  return name;
}

fs::path download(const std::string& url, const FetchOptions& options) {
  fs::path path = options.cache_folder / fmt::format("{}-{}", sha256_hex(url).substr(0, 16), file_name_of(url));
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored) &&
      (options.sha256.empty() || sha256_of_file(path) == lower_case(options.sha256)))
    return path;
  fs::create_directories(options.cache_folder);
  // A name of its own for each process: several may share the cache.
  fs::path temporary = path;
  temporary += fmt::format(".{}.part", ::getpid());
  http_download(url, temporary, options.http);
  try {
    check_sha256(temporary, shown_url(url), options.sha256);
  } catch (const Error&) {
    fs::remove(temporary, ignored);
    throw;
  }
  fs::rename(temporary, path);
  sync_folder(options.cache_folder);
  return path;
}

}  // namespace

std::string sha256_of_file(const fs::path& path) {
  const MappedFile file(path);
  return sha256_hex(file.view());
}

fs::path fetch(const std::string& url_or_path, const FetchOptions& options) {
  const size_t colon = url_or_path.find("://");
  if (colon == std::string::npos) return existing_file(url_or_path, options);
  const std::string scheme = lower_case(url_or_path.substr(0, colon));
  if (scheme == "file") return existing_file(url_or_path.substr(colon + 3), options);
  if (scheme == "http" || scheme == "https") return download(url_or_path, options);
  if (scheme == "gs")
    throw Error("{}: data cannot be read from a bucket yet; copy it to a file or an https:// address", url_or_path);
  throw Error("{}: '{}' is not known; a path, file://, http:// or https:// was expected", url_or_path, scheme);
}

}  // namespace podium
