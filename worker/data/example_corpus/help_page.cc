#include "worker/data/example_corpus/help_page.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "worker/data/utf8.h"

namespace podium {
namespace {

using std::string_view;

constexpr std::array<std::pair<string_view, uint32_t>, 24> kEntities{{
    {"amp", '&'},      {"lt", '<'},        {"gt", '>'},       {"quot", '"'},     {"apos", '\''},    {"nbsp", 0xA0},
    {"copy", 0xA9},    {"laquo", 0xAB},    {"reg", 0xAE},     {"deg", 0xB0},     {"raquo", 0xBB},   {"times", 0xD7},
    {"ndash", 0x2013}, {"mdash", 0x2014},  {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D},
    {"bull", 0x2022},  {"hellip", 0x2026}, {"euro", 0x20AC},  {"trade", 0x2122}, {"rarr", 0x2192},  {"minus", 0x2212},
}};

// `name` is what stands between & and ;.
std::optional<uint32_t> entity_code_point(string_view name) {
  if (!name.starts_with('#')) {
    for (const auto& [known, code_point] : kEntities) {
      if (known == name) return code_point;
    }
    return std::nullopt;
  }
  name.remove_prefix(1);
  const bool hexadecimal = name.starts_with('x') || name.starts_with('X');
  if (hexadecimal) name.remove_prefix(1);
  uint32_t value = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  const bool is_character = value != 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  return is_character ? value : 0xFFFD;
}

std::string remove_tags(string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t open = text.find('<');
    result += text.substr(0, open);
    if (open == string_view::npos) break;
    const size_t close = text.find('>', open);
    const bool is_tag = close != string_view::npos && close > open + 1;
    if (!is_tag) result += '<';
    text.remove_prefix(is_tag ? close + 1 : open + 1);
  }
  return result;
}

// Runs of white space become one space; none at the ends.
std::string collapse_white_space(string_view text) {
  std::string result;
  bool gap = false;
  while (!text.empty()) {
    string_view rest = text;
    if (is_white_space(take_code_point(rest))) {
      gap = !result.empty();
    } else {
      if (std::exchange(gap, false)) result += ' ';
      result += text.substr(0, text.size() - rest.size());
    }
    text = rest;
  }
  return result;
}

// The element name if a <p …> or <h1 …> to <h6 …> with attributes begins at `html`, else empty.
string_view text_element(string_view html) {
  size_t size = 0;
  if (html.starts_with("<p")) size = 1;
  if (html.starts_with("<h") && html.size() > 2 && html[2] >= '1' && html[2] <= '6') size = 2;
  const bool has_attributes = size > 0 && html.size() > size + 1 && is_white_space(html[size + 1]);
  return has_attributes ? html.substr(1, size) : string_view();
}

// The value of the first id="…" of a start tag, else empty.
string_view id_of(string_view tag) {
  size_t begin = tag.find("id=\"");
  if (begin == string_view::npos) return {};
  begin += 4;
  const size_t end = tag.find('"', begin);
  return end == string_view::npos ? string_view() : tag.substr(begin, end - begin);
}

}  // namespace

std::string decode_entities(string_view text) {
  constexpr size_t kLongest = 12;
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const size_t end = text.substr(i, kLongest).find(';');
      const auto code_point = end == string_view::npos ? std::nullopt : entity_code_point(text.substr(i + 1, end - 1));
      if (code_point.has_value()) {
        append_utf8(result, *code_point);
        i += end;
        continue;
      }
    }
    result += text[i];
  }
  return result;
}

std::vector<HelpElement> help_elements(string_view html) {
  std::vector<HelpElement> elements;
  for (size_t at = html.find('<'); at != string_view::npos; at = html.find('<', at)) {
    const string_view element = text_element(html.substr(at));
    const size_t tag_end = html.find('>', at);
    if (element.empty() || tag_end == string_view::npos) {
      ++at;
      continue;
    }
    const string_view id = id_of(html.substr(at, tag_end - at));
    const size_t end = html.find("</" + std::string(element) + ">", tag_end);
    if (id.empty() || end == string_view::npos) {
      ++at;
      continue;
    }
    std::string text = collapse_white_space(decode_entities(remove_tags(html.substr(tag_end + 1, end - tag_end - 1))));
    if (!text.empty()) elements.push_back({std::string(id), std::move(text)});
    at = end + 1;
  }
  return elements;
}

std::map<std::string, std::string> read_help_page(string_view html) {
  std::map<std::string, std::string> texts;
  for (HelpElement& element : help_elements(html)) texts[std::move(element.id)] = std::move(element.text);
  return texts;
}

}  // namespace podium
