#include "worker/storage/gcs/gcs_place.h"

#include <algorithm>

#include "worker/base/error.h"
#include "worker/storage/object_store.h"

namespace podium {
namespace {

constexpr std::string_view kScheme = "gs://";

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string GcsPlace::text(const std::string& name) const {
  return std::string(kScheme) + bucket + (folder.empty() && name.empty() ? "" : "/") + object(name);
}

std::string GcsPlace::object(const std::string& name) const {
  return folder + (folder.empty() || name.empty() ? "" : "/") + name;
}

bool is_gcs_place(std::string_view text) { return text.starts_with(kScheme); }

bool is_bucket_name(std::string_view name) {
  const size_t longest = name.find('.') == std::string_view::npos ? 63 : 222;
  if (name.size() < 3 || name.size() > longest) return false;
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

GcsPlace parse_gcs_place(std::string_view text) {
  const std::string_view rest = is_gcs_place(text) ? text.substr(kScheme.size()) : "";
  const size_t slash = std::min(rest.find('/'), rest.size());
  GcsPlace place{std::string(rest.substr(0, slash)), std::string(rest.substr(std::min(slash + 1, rest.size())))};
  while (place.folder.ends_with('/')) place.folder.pop_back();
  if (!is_bucket_name(place.bucket) || (!place.folder.empty() && !is_object_name(place.folder)))
    throw Error("\"{}\": expected gs://BUCKET or gs://BUCKET/FOLDER", text);
  return place;
}

}  // namespace podium
