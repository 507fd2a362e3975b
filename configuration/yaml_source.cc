// The only user of yaml-cpp: a mapping of keys and of sections with keys, anything else is refused with its line.
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "configuration/sources.h"
#include "configuration/text.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {
namespace {

constexpr uint64_t kLargestFileBytes = 1 << 20;

// Hears a document's events and keeps nothing.
class Deaf : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Whether something follows the first document. Not by YAML::LoadAll: version 0.7 finds documents in "," for ever.
bool has_second_document(const std::string& content) {
  std::istringstream stream(content);
  YAML::Parser parser(stream);
  Deaf deaf;
  return parser.HandleNextDocument(deaf) && parser.HandleNextDocument(deaf);
}

class YamlReader {
 public:
  YamlReader(const std::string& name, const KnownNames& known) : name_(name), known_(known) {}

  std::vector<Assignment> read(const std::string& content) {
    try {
      if (has_second_document(content)) throw Error("{}: found more than one YAML document, expected one", name_);
      read_mapping(YAML::Load(content), "", name_);
    } catch (const YAML::DeepRecursion& error) {
      throw Error("{}: nested too deeply, expected keys and sections of keys", place(error.mark));
    } catch (const YAML::Exception& error) {
      throw Error("{}: not YAML: {}", place(error.mark), error.msg);
    }
    return std::move(assignments_);
  }

 private:
  std::string place(const YAML::Mark& mark) const {
    return mark.is_null() ? name_ : fmt::format("{}:{}", name_, mark.line + 1);
  }

  bool is_section(const std::string& path) const { return std::ranges::count(known_.sections, path) > 0; }
  bool is_key(const std::string& path) const { return std::ranges::count(known_.paths, path) > 0; }

  // The top level (`section` empty) or a section. An empty one is fine: all its keys may be commented out.
  void read_mapping(const YAML::Node& node, const std::string& section, const std::string& source) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      throw Error("{}: {}found {}, expected a mapping of keys to values", source, section.empty() ? "" : section + ": ",
                  found(node));
    }
    for (const auto& entry : node) read_entry(entry.first, entry.second, section);
  }

  void read_entry(const YAML::Node& key, const YAML::Node& value, const std::string& section) {
    std::string source = place(key.Mark());
    if (!key.IsScalar()) throw Error("{}: found {} as a key, expected a name", source, found(key));
    std::string path = section.empty() ? key.Scalar() : section + "." + key.Scalar();
    bool begins_section = section.empty() && is_section(path);
    if (!begins_section && !is_key(path)) throw_unknown(source, path, section.empty() && value.IsMap());
    if (!seen_.insert(path).second) throw Error("{}: {}: given twice", source, path);
    if (begins_section) {
      read_mapping(value, path, source);
    } else {
      assignments_.push_back({path, raw_value(value, path, source), source});
    }
  }

  [[noreturn]] void throw_unknown(const std::string& source, const std::string& path, bool looks_like_section) const {
    std::string nearest = nearest_name(path, looks_like_section ? known_.sections : known_.paths);
    throw Error("{}: unknown key {}; did you mean {}?", source, shown(path), nearest);
  }

  static std::string shown(const std::string& path) {
    std::string text = quoted(std::string_view(path));
    return only(path, kLower, kUpper, kDigits, "_-.") && !path.empty() ? text.substr(1, text.size() - 2) : text;
  }

  static RawValue raw_value(const YAML::Node& node, const std::string& path, const std::string& source) {
    if (node.IsNull()) return {.texts = {""}};
    if (node.IsScalar()) return {.texts = {node.Scalar()}};
    if (!node.IsSequence()) throw Error("{}: {}: found {}, expected a value", source, path, found(node));
    RawValue list{.is_list = true};
    for (const YAML::Node& entry : node) {
      if (!entry.IsScalar()) throw Error("{}: {}: found {} in the list, expected a text", source, path, found(entry));
      list.texts.push_back(entry.Scalar());
    }
    return list;
  }

  static std::string found(const YAML::Node& node) {
    if (node.IsScalar()) return quoted(std::string_view(node.Scalar()));
    return node.IsMap() ? "a mapping" : node.IsSequence() ? "a list" : "nothing";
  }

  const std::string& name_;
  const KnownNames& known_;
  std::set<std::string> seen_;
  std::vector<Assignment> assignments_;
};

}  // namespace

std::vector<Assignment> parse_yaml(const std::string& content, const std::string& name, const KnownNames& known) {
  if (size_t bad = first_non_text_byte(content); bad != std::string::npos) {
    throw Error("{}:{}: found byte 0x{:02x}, expected YAML in UTF-8", name,
                std::count(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(bad), '\n') + 1,
                static_cast<unsigned char>(content[bad]));
  }
  return YamlReader(name, known).read(content);
}

std::vector<Assignment> read_yaml_file(const fs::path& path, const KnownNames& known) {
  std::error_code ignored;
  fs::file_status status = fs::status(path, ignored);
  // A pipe or device could keep us waiting for ever.
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw Error("{}: found {}, expected a settings file", path.string(),
                fs::is_directory(status) ? "a folder" : "something that is not a file");
  }
  return parse_yaml(read_file(path, kLargestFileBytes), path.string(), known);
}

}  // namespace podium
