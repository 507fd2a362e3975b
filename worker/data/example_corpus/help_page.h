// The text of one page of LibreOffice's help: paragraphs and headings with their ids. The same id in the same page of
// another language is the translation.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

struct HelpElement {
  std::string id, text;
};

// Every <p> and <h1>…<h6> that has an id and is not empty, in the page's order: tags removed, entities decoded, white
// space collapsed. The pages are made by one generator from one template, which is why a scan for these elements does
// and no HTML parser is needed.
std::vector<HelpElement> help_elements(std::string_view html);

// The same as id → text. Of several elements with one id the last counts.
std::map<std::string, std::string> read_help_page(std::string_view html);

// Replaces &name; and &#number; for the entities that such pages use; leaves others as they are.
std::string decode_entities(std::string_view text);

}  // namespace podium
