# cmake -DOUTPUT=x.cc -DFOLDER=presets -DNAMES=a,b -P embed_presets.cmake: FOLDER/a.yaml and FOLDER/b.yaml as C++.
string(REPLACE "," ";" NAMES "${NAMES}")
set(entries "")
foreach(name IN LISTS NAMES)
  file(READ "${FOLDER}/${name}.yaml" content)
  string(APPEND entries "    {\"${name}\", R\"yaml(${content})yaml\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"configuration/presets.h\"

namespace podium {

std::span<const EmbeddedPreset> embedded_presets() {
  static constexpr EmbeddedPreset kPresets[] = {
${entries}  };
  return kPresets;
}

}  // namespace podium
")
