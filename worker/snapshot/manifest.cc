#include "worker/snapshot/manifest.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "worker/base/hash.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr const char* kFormat = "podium-snapshot";
constexpr uint64_t kVersion = 1;
constexpr uint64_t kLargestManifestBytes = 1 << 20;

bool is_lower_hex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

ManifestFile parse_file(const nlohmann::json& json, const std::string& what) {
  ManifestFile file;
  file.name = json_string(json, "name", what);
  if (!is_object_name(file.name) || file.name == kManifestName)
    throw Error("{}: \"{}\" is no file of a snapshot", what, file.name);
  const std::string of_file = fmt::format("{}: {}", what, file.name);
  file.size_bytes = json_unsigned(json, "size_bytes", of_file);
  const std::string& crc = json_string(json, "crc32c", of_file);
  if (!is_lower_hex(crc, 8)) throw Error("{}: crc32c is not 8 hexadecimal digits", of_file);
  std::from_chars(crc.data(), crc.data() + crc.size(), file.crc32c, 16);
  file.sha256 = json_string(json, "sha256", of_file);
  if (!is_lower_hex(file.sha256, 64)) throw Error("{}: sha256 is not 64 hexadecimal digits", of_file);
  return file;
}

Manifest parse(std::string_view text, const std::string& what) {
  const nlohmann::json json = parse_strict_json(text, what);
  if (const std::string& format = json_string(json, "format", what); format != kFormat)
    throw Error("{}: format \"{}\", \"{}\" was expected", what, format, kFormat);
  if (uint64_t version = json_unsigned(json, "version", what); version != kVersion)
    throw Error("{}: version {}, this program reads {}", what, version, kVersion);
  Manifest manifest;
  manifest.run = json_string(json, "run", what);
  manifest.step = json_unsigned(json, "step", what);
  manifest.epoch = json_unsigned(json, "epoch", what);
  manifest.generation = json_unsigned(json, "generation", what);
  std::set<std::string> names;
  for (const auto& file : json_array(json, "files", what)) {
    manifest.files.push_back(parse_file(file, what));
    if (!names.insert(manifest.files.back().name).second)
      throw Error("{}: {} is there twice", what, manifest.files.back().name);
  }
  return manifest;
}

}  // namespace

std::string manifest_text(const Manifest& manifest) {
  nlohmann::ordered_json json = {{"format", kFormat},
                                 {"version", kVersion},
                                 {"run", manifest.run},
                                 {"step", manifest.step},
                                 {"epoch", manifest.epoch},
                                 {"generation", manifest.generation},
                                 {"files", nlohmann::ordered_json::array()}};
  for (const ManifestFile& file : manifest.files)
    json["files"].push_back({{"name", file.name},
                             {"size_bytes", file.size_bytes},
                             {"crc32c", fmt::format("{:08x}", file.crc32c)},
                             {"sha256", file.sha256}});
  return json.dump(2) + "\n";
}

Manifest parse_manifest(std::string_view text, const std::string& what) {
  try {
    return parse(text, what);
  } catch (const Error& error) {
    throw InvalidSnapshot(error.what());
  }
}

ManifestFile describe(const std::string& name, const ObjectSource& content) {
  ManifestFile file{name, content.size_bytes(), 0, {}};
  Sha256 sha256;
  content.stream([&](std::string_view bytes) {
    file.crc32c = crc32c(bytes.data(), bytes.size(), file.crc32c);
    sha256.update(bytes);
  });
  file.sha256 = sha256.hex_digest();
  return file;
}

Manifest read_manifest(ObjectStore& store, const std::string& prefix) {
  const std::string name = prefix + kManifestName;
  // One byte more than allowed is enough to refuse it.
  std::string text;
  if (!store.read(name, {0, kLargestManifestBytes + 1}, [&](std::string_view bytes) { text += bytes; }))
    throw InvalidSnapshot("{}: missing: the snapshot was not written to its end", name);
  if (text.size() > kLargestManifestBytes)
    throw InvalidSnapshot("{}: larger than the {} bytes that a manifest may have", name, kLargestManifestBytes);
  return parse_manifest(text, name);
}

namespace {

[[noreturn]] void throw_missing(const std::string& path) { throw InvalidSnapshot("{}: missing", path); }

void check_found(const std::string& path, const ManifestFile& expected, const ObjectInfo& found) {
  if (found.size_bytes != expected.size_bytes)
    throw InvalidSnapshot("{}: {} bytes, the manifest says {}", path, found.size_bytes, expected.size_bytes);
  if (found.crc32c != expected.crc32c)
    throw InvalidSnapshot("{}: CRC32C {:08x}, the manifest says {:08x}", path, found.crc32c, expected.crc32c);
}

}  // namespace

void verify_files(ObjectStore& store, const std::string& prefix, const Manifest& manifest) {
  for (const ManifestFile& file : manifest.files) {
    const std::string path = prefix + file.name;
    ObjectInfo found;
    Sha256 sha256;
    bool exists = store.read(path, {}, [&](std::string_view bytes) {
      found.size_bytes += bytes.size();
      found.crc32c = crc32c(bytes.data(), bytes.size(), found.crc32c);
      sha256.update(bytes);
    });
    if (!exists) throw_missing(path);
    check_found(path, file, found);
    if (std::string digest = sha256.hex_digest(); digest != file.sha256)
      throw InvalidSnapshot("{}: SHA-256 {}, the manifest says {}", path, digest, file.sha256);
  }
}

void verify_sizes(ObjectStore& store, const std::string& prefix, const Manifest& manifest) {
  for (const ManifestFile& file : manifest.files) {
    std::optional<ObjectInfo> found = store.stat(prefix + file.name);
    if (!found) throw_missing(prefix + file.name);
    check_found(prefix + file.name, file, *found);
  }
}

}  // namespace podium
