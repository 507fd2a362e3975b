// `make manifests`: settings of all shapes in copies of the manifest; what cannot be done leaves it alone.
#include <gmock/gmock.h>

#include "configuration/manifest.h"
#include "tests/configuration/loading.h"
#include "tests/error_of.h"
#include "tests/kubernetes/manifest_files.h"
#include "tests/process.h"

namespace podium {
namespace {

using testing::HasSubstr;

const char* const kSmall =
    "kind: ConfigMap\n"
    "data:\n"
    "  # begin settings.yaml: by a tool\n"
    "  old: 1\n"
    "  # end settings.yaml\n"
    "---\n"
    "spec:\n"
    "  # begin replicas\n"
    "  # end replicas\n"
    "  last: 1";  // and no newline

std::string in_small(std::string_view settings, int64_t replicas = 2) {
  return manifest_with(kSmall, settings, replicas, "small.yaml");
}

TEST(ManifestWith, WritesBetweenItsLines) {
  EXPECT_EQ(in_small("seed: 3\n\nmodel:\n  heads: 4\n", 5),
            "kind: ConfigMap\n"
            "data:\n"
            "  # begin settings.yaml: by a tool\n"
            "  settings.yaml: |\n"
            "    seed: 3\n"
            "\n"
            "    model:\n"
            "      heads: 4\n"
            "  # end settings.yaml\n"
            "---\n"
            "spec:\n"
            "  # begin replicas\n"
            "  replicas: 5\n"
            "  # end replicas\n"
            "  last: 1");
}

// kubectl takes no tab for the first thing of a block unless it is told how deep the block stands.
TEST(ManifestWith, SaysHowDeepTheTextStandsWhereItsFirstLineDoesNot) {
  for (const char* settings : {"\t# a tab\n", "  # spaces\n", "   \nseed: 1\n"})
    EXPECT_THAT(in_small(settings), HasSubstr("\n  settings.yaml: |2\n")) << settings;
}

TEST(ManifestWith, SaysWhichLineIsMissingOrThereTwice) {
  const auto refused = [](std::string manifest) {
    return error_of([&] { manifest_with(manifest, "seed: 1\n", 2, "m.yaml"); });
  };
  EXPECT_EQ(refused("data:\n"), "m.yaml: found no line that begins with \"  # begin settings.yaml\", expected one");
  EXPECT_EQ(refused("  # begin settings.yaml\n  # end settings.yaml\n"),
            "m.yaml: found no line that begins with \"  # begin replicas\", expected one");
  EXPECT_EQ(refused(std::string(kSmall) + "\n  # begin replicas\n"),
            "m.yaml:11: found a second line \"  # begin replicas\", expected one");
  EXPECT_EQ(refused("  # end settings.yaml\n  # begin settings.yaml\n"),
            "m.yaml: found \"  # end settings.yaml\" before \"  # begin settings.yaml\", expected it behind");
  EXPECT_EQ(refused("  # end settings.yaml\n  # begin settings.yaml"),
            "m.yaml: found \"  # end settings.yaml\" before \"  # begin settings.yaml\", expected it behind");
}

// Each is a settings file that our loader takes.
const char* const kSettings[] = {
    "",
    "\n\n",
    "# nothing set\n",
    "seed: 3",
    "seed: 3\n\n\n",
    "\n\nseed: 3\n",
    "   # deeper at first\nseed: 3\n",
    "   \n\nseed: 3\n",
    "\t# a tab\nseed: 3\n",
    "seed: 3\r\nmodel:\r\n  heads: 4\r\n",
    "\xEF\xBB\xBFseed: 3\n",
    "run_name: \"a-b_c\"   \nseed: 3 # trailing spaces  \n",
    "dataset: {name: \"\", train: ['C:\\é \"q\" #1.tsv']}\n",
    "{seed: 3, worker_count: 4}\n",
    "---\nseed: 3\n",
    "---\nseed: 3\n...\n",
    "# begin settings.yaml\n# end settings.yaml\n  # end settings.yaml\n# begin replicas\nseed: 3\n",
    "cloud_storage_upload_folder: |\n  a\n    b\n\nseed: 3\n",
    "# \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80 \xC2\xA0\nseed: 3\n",
    "# *anchor &x !tag %directive @ ` | > {{ }}\nseed: 3\n",
};

TEST(ManifestWith, BringsOddSettingsIntoTheConfigMap) {
  for (const char* settings : kSettings) {
    SCOPED_TRACE(settings);
    const std::string text = config_map_text(settings, "settings.yaml");
    const std::string once = in_small(text);
    const std::vector<YAML::Node> documents = YAML::LoadAll(once);
    ASSERT_EQ(documents.size(), 2u) << once;
    EXPECT_EQ(documents[0]["data"]["settings.yaml"].as<std::string>(), text) << once;
    EXPECT_EQ(documents[0]["data"].size(), 1u);
    EXPECT_EQ(documents[1]["spec"]["replicas"].as<int>(), 2);
    EXPECT_TRUE(same(load({.file = text}).settings, load({.file = settings}).settings));
    EXPECT_EQ(manifest_with(once, text, 2, "small.yaml"), once) << "a second time";
    EXPECT_EQ(manifest_with(once, "old: 1\n", 9, "small.yaml"), in_small("old: 1\n", 9)) << "other settings later";
  }
}

TEST(ConfigMapText, RefusesWhatKubectlReadsDifferently) {
  for (const char* foreign : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xC2\x80", "\xC2\x9F", "\xEF\xBB\xBF",
                              "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\r"})
    EXPECT_THAT(error_of([&] { config_map_text(fmt::format("seed: 1\n# {}x\n", foreign), "settings.yaml"); }),
                HasSubstr("settings.yaml:2: column 3: "))
        << foreign;
  for (const char* fine : {"\xC2\xA0", "\xE2\x80\xA7", "\xEF\xBF\xBD", "\t"})
    EXPECT_EQ(config_map_text(fmt::format("# {}x\n", fine), "settings.yaml"), fmt::format("# {}x\n", fine));
}

class MakeManifest : public testing::Test {
 protected:
  Finished run(const std::string& settings, std::map<std::string, std::string> environment = {}) const {
    folder_.write("settings.yaml", settings);
    return run_process({.arguments = {PODIUM_BINARY_DIR "/make_manifest", "settings.yaml", "stateful-set.yaml"},
                        .environment = std::move(environment),
                        .folder = folder_.path()});
  }
  std::string manifest() const { return read_file(manifest_); }
  int64_t replicas() const {
    const std::vector<YAML::Node> objects = YAML::LoadAll(manifest());
    return objects.back()["spec"]["replicas"].as<int64_t>();
  }

  const TemporaryFolder folder_;
  const std::string shipped_ = manifest_text("stateful-set.yaml");
  const fs::path manifest_ = folder_.write("stateful-set.yaml", shipped_);
};

TEST_F(MakeManifest, LeavesTheShippedOneAsItIs) {
  const auto written = fs::last_write_time(manifest_);
  const Finished finished = run(read_file(fs::path(PODIUM_SOURCE_DIR) / "configuration/settings.yaml"));
  EXPECT_EQ(finished.end, exited(0)) << finished.errors;
  EXPECT_EQ(finished.output, "stateful-set.yaml: already in step with settings.yaml\n");
  EXPECT_EQ(manifest(), shipped_);
  EXPECT_EQ(fs::last_write_time(manifest_), written);
}

TEST_F(MakeManifest, ChangesItsBlocksAndNothingElse) {
  const Finished finished = run("worker_count: 12\n");
  EXPECT_EQ(finished.end, exited(0)) << finished.errors;
  EXPECT_EQ(finished.output, "stateful-set.yaml: now in step with settings.yaml\n");
  const auto outside = [](const std::string& text) {
    const auto from = [&](const char* begin, const char* end) {
      const size_t first = begin == nullptr ? 0 : text.find(begin);
      return text.substr(first, end == nullptr ? std::string::npos : text.find(end) - first);
    };
    return from(nullptr, "  settings.yaml: |") + from("  # end settings.yaml", "  replicas: ") +
           from("  # end replicas", nullptr);
  };
  EXPECT_EQ(outside(manifest()), outside(shipped_));
  EXPECT_THAT(manifest(), HasSubstr("\n  settings.yaml: |\n    worker_count: 12\n  # end settings.yaml\n"));
  EXPECT_EQ(replicas(), 12);
}

TEST_F(MakeManifest, TakesTheNumberOfWorkersFromTheLoader) {
  for (const auto& [settings, expected] : std::map<std::string, int64_t>{{"worker_count: \"3\"  # workers\n", 3},
                                                                         {"{worker_count: 4}\n", 4},
                                                                         {"# worker_count: 5\nseed: 1\n", 1},
                                                                         {"", Settings().worker_count}}) {
    EXPECT_EQ(run(settings).end, exited(0)) << settings;
    EXPECT_EQ(replicas(), expected) << settings;
  }
}

// The pods do not have this shell's variables.
TEST_F(MakeManifest, DoesNotLookAtTheEnvironment) {
  EXPECT_EQ(run("worker_count: 3\n", {{"PODIUM_WORKER_COUNT", "7"}, {"PODIUM_SEED", "no"}}).end, exited(0));
  EXPECT_EQ(replicas(), 3);
}

TEST_F(MakeManifest, RefusesWhatTheLoaderRefuses) {
  for (const auto& [settings, reason] :
       std::map<std::string, std::string>{{"worker_count: many\n", "settings.yaml:1: worker_count: found \"many\""},
                                          {"worker_counts: 2\n", "did you mean worker_count?"},
                                          {"worker_count: 0\n", "settings.yaml:1: worker_count: found \"0\""},
                                          {"seed: [\n", "settings.yaml:2: not YAML"},
                                          {"# \xE2\x80\xA8\n", "settings.yaml:1: column 3: "}}) {
    const Finished finished = run(settings);
    EXPECT_EQ(finished.end, exited(1));
    EXPECT_THAT(finished.errors, testing::AllOf(testing::StartsWith("make_manifest: "), HasSubstr(reason)));
    EXPECT_EQ(manifest(), shipped_) << settings;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2) << "no file is left";
}

TEST_F(MakeManifest, RefusesAManifestWithoutItsLines) {
  folder_.write("stateful-set.yaml", "kind: StatefulSet\n");
  const Finished finished = run("seed: 1\n");
  EXPECT_EQ(finished.end, exited(1));
  EXPECT_THAT(finished.errors, HasSubstr("stateful-set.yaml: found no line that begins with"));
  EXPECT_EQ(manifest(), "kind: StatefulSet\n");
}

TEST_F(MakeManifest, WritesThroughALink) {
  fs::create_directory(folder_.path() / "real");
  fs::rename(manifest_, folder_.path() / "real/stateful-set.yaml");
  fs::create_symlink("real/stateful-set.yaml", manifest_);
  EXPECT_EQ(run("worker_count: 3\n").end, exited(0));
  EXPECT_TRUE(fs::is_symlink(manifest_));
  EXPECT_EQ(replicas(), 3);
}

TEST_F(MakeManifest, SaysHowItIsUsed) {
  const Finished finished = run_process({.arguments = {PODIUM_BINARY_DIR "/make_manifest"}, .environment = {}});
  EXPECT_EQ(finished.end, exited(1));
  EXPECT_THAT(finished.errors, HasSubstr("usage: make_manifest SETTINGS.YAML MANIFEST.YAML"));
}

}  // namespace
}  // namespace podium
