# podium_link_into_programs(SOURCE): compiles it once and links it into every program that is declared from here on.
function(podium_link_into_programs source)
  get_filename_component(name ${source} NAME_WE)
  add_library(${name}_object OBJECT ${source})
  target_compile_definitions(${name}_object PRIVATE PODIUM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_library(${name}_in_programs INTERFACE)
  target_sources(${name}_in_programs INTERFACE
    "$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:${name}_object>>")
  link_libraries(${name}_in_programs)
endfunction()
