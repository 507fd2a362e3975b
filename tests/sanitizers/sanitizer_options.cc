// What the sanitizers run with, in every program of a sanitizer build: tests give their processes an environment of
// their own, so ASAN_OPTIONS and the like would not reach them. The names are those of gcc's run-time libraries.
// A finding ends the process with a code that no test expects.
#define SUPPRESSIONS(name) "suppressions=" PODIUM_SOURCE_DIR "/tests/sanitizers/" name ".supp"

extern "C" {

const char* __asan_default_options() {
  return "exitcode=99:detect_stack_use_after_return=1:check_initialization_order=1:strict_string_checks=1";
}
const char* __lsan_default_options() { return "exitcode=99:print_suppressions=0:" SUPPRESSIONS("lsan"); }
const char* __ubsan_default_options() { return "exitcode=99:print_stacktrace=1:" SUPPRESSIONS("ubsan"); }
const char* __tsan_default_options() { return "exitcode=99:second_deadlock_stack=1:" SUPPRESSIONS("tsan"); }

}  // extern "C"
