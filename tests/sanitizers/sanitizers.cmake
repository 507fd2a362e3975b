# Everything is built with the sanitizers of PODIUM_SANITIZER; the first finding ends the process. Not asked for: what a
# null pointer or the address sanitizer shows anyway, at half as much compile time again.
# gcc warns of more that cannot be when it optimizes less, and of fences, which the thread sanitizer does not follow.
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
add_compile_options(-fsanitize=${PODIUM_SANITIZER} -fno-sanitize=null,vptr,object-size -fno-sanitize-recover=all
  -fno-omit-frame-pointer -Wno-maybe-uninitialized -Wno-tsan)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_link_options(-fsanitize=${PODIUM_SANITIZER})
podium_link_into_programs(${CMAKE_CURRENT_LIST_DIR}/sanitizer_options.cc)
