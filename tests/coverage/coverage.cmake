# Counts which lines and branches run, in threads too. Slightly optimized, so that the kernels stay bearable.
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
add_compile_options(--coverage -fprofile-update=atomic -Wno-maybe-uninitialized)
add_link_options(--coverage)
podium_link_into_programs(${CMAKE_CURRENT_LIST_DIR}/coverage_exit.cc)
