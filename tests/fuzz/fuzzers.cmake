# Everything is instrumented for libFuzzer; the first finding ends the process. Not asked for: what the address sanitizer
# shows anyway, as in tests/sanitizers. What clang alone warns of is looked at here and nowhere else.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=null,vptr,object-size
  -fno-sanitize-recover=all -fno-omit-frame-pointer)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_link_options(-fsanitize=address,undefined)
