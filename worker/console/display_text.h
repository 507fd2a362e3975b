// How wide UTF-8 text is on a terminal. Own ranges, not wcwidth(), whose answer depends on the locales installed; where
// terminals differ the wider answer is given, so that a line cut to fit never wraps.
#pragma once

#include <string>
#include <string_view>

namespace podium {

// `text` without anything a terminal would obey: control characters become '?' (a tab a space; line breaks too, unless
// `keep_line_breaks`), bytes that are not UTF-8 become U+FFFD.
std::string printable(std::string_view text, bool keep_line_breaks = false);

// Columns that printable UTF-8 `text` takes: 0 for combining characters, 2 for East Asian wide ones and emoji.
int display_columns(std::string_view text);

// `text`, or as much of its beginning as fits into `columns` with "…" at its end.
std::string truncate_to_columns(std::string_view text, int columns);

// `text` with spaces before it (or behind it, when `left`) up to `columns`.
std::string pad_to_columns(std::string_view text, int columns, bool left = false);

}  // namespace podium
