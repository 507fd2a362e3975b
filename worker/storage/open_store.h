// Which store a place names: a folder, or a bucket's folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/object_store.h"

namespace podium {

struct OpenOptions {
  std::string key_file = {};                                 // Google credentials of the settings; "": none are named
  std::chrono::seconds patience = std::chrono::minutes(15);  // with a bucket that fails, since its last progress
  GcsOptions::Parts parts = GcsOptions::Parts::kRemovable;
  int streams = GcsOptions().streams;
};

// A GcsStore for gs://BUCKET/FOLDER (the environment may name an emulator), else a LocalStore, for file:///FOLDER or a
// path. Throws Error when the place is none, or its credentials cannot be used; nobody is asked yet.
std::unique_ptr<ObjectStore> open_store(const std::string& place, const OpenOptions& options = {});

// Whether it is written as a bucket's, or as file:///FOLDER.
bool is_store_url(std::string_view place);

}  // namespace podium
