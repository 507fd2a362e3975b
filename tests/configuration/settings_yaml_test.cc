// configuration/settings.yaml as it lies in the repository documents every key with its true default. Values that
// somebody has set there are theirs, and not looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "configuration/keys.h"
#include "tests/configuration/loading.h"

namespace podium {
namespace {

struct ShippedFile {
  std::vector<std::string> order;     // the paths of all settings, commented out or not
  std::set<std::string> commented;    // the paths of those commented out,
  std::vector<std::string> defaults;  // their lines without '#',
  std::string uncommented;            // and these as a settings file
};

ShippedFile shipped_file() {
  std::istringstream file(read_file(fs::path(PODIUM_SOURCE_DIR) / "configuration/settings.yaml"));
  static const std::regex pattern("(#?)((  )?([a-z][a-z0-9_]*):( .*)?)");
  ShippedFile result;
  std::string section;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, pattern)) continue;
    bool is_commented = match[1].length() > 0, is_inside = match[3].length() > 0;
    bool begins_section = !is_inside && match[5].length() == 0;
    if (begins_section) section = match[4].str() + ".";
    if (begins_section || is_commented) result.uncommented += match[2].str() + "\n";
    if (begins_section) continue;
    result.order.push_back((is_inside ? section : "") + match[4].str());
    if (!is_commented) continue;
    result.commented.insert(result.order.back());
    result.defaults.push_back(match[2]);
  }
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(SettingsYaml, ShowsEveryKeyOnce) {
  Settings settings;
  std::vector<std::string> paths;
  for (const Key& key : settings_keys(settings)) paths.emplace_back(key.path);
  EXPECT_THAT(shipped_file().order, testing::UnorderedElementsAreArray(paths));
}

TEST(SettingsYaml, BeginsWithTheFourNamesAndThePreset) {
  std::vector<std::string> order = shipped_file().order;
  order.resize(5);
  EXPECT_THAT(order, testing::ElementsAre("worker_count", "local_batch_size", "cloud_storage_bucket_name",
                                          "cloud_storage_upload_folder", "preset"));
}

TEST(SettingsYaml, CommentedLinesAreTheDefaultsWithTheirDocumentation) {
  std::vector<std::string> expected = lines_of(dump_config(Settings()));
  for (const std::string& line : shipped_file().defaults) EXPECT_THAT(expected, testing::Contains(line));
}

TEST(SettingsYaml, UncommentedItLoadsToTheDefaults) {
  ShippedFile file = shipped_file();
  ASSERT_FALSE(file.commented.empty());
  Settings loaded = load({.file = file.uncommented}).settings, defaults;
  std::vector<Key> loaded_keys = settings_keys(loaded), default_keys = settings_keys(defaults);
  for (size_t i = 0; i < loaded_keys.size(); ++i) {
    if (file.commented.count(std::string(loaded_keys[i].path)) == 0) continue;
    EXPECT_EQ(value_as_yaml(loaded_keys[i]), value_as_yaml(default_keys[i])) << loaded_keys[i].path;
  }
}

TEST(SettingsYaml, LoadsAsItIs) {
  EXPECT_NO_THROW(load_settings({}, {}, fs::path(PODIUM_SOURCE_DIR) / "configuration/settings.yaml"));
}

TEST(Help, ShowsEverySettingWithItsDefaultAndEveryPreset) {
  Settings settings;
  std::string help = std::regex_replace(settings_help("trainer"), std::regex("\\s+"), " ");
  EXPECT_THAT(help, testing::HasSubstr("trainer [OPTIONS]"));
  for (const Key& key : settings_keys(settings)) {
    EXPECT_THAT(help, testing::HasSubstr(fmt::format("--{} ", key.path))) << key.path;
    EXPECT_THAT(help, testing::HasSubstr("; default " + value_as_yaml(key)));
  }
  for (const std::string& name : preset_names()) EXPECT_THAT(help, testing::HasSubstr(name));
}

}  // namespace
}  // namespace podium
