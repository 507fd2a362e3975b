#include "worker/supervise/convert_command.h"

#include "worker/base/error.h"
#include "worker/convert/convert.h"

namespace podium {
namespace {

constexpr const char* kUsage =
    "worker convert FROM --to FOLDER --as transformers|snapshot|ctranslate2\n"
    "  FROM: a snapshot, a checkpoint folder of transformers, or a model of CTranslate2\n"
    "  transformers: the model without the state of its training; snapshot: with a manifest; ctranslate2: translation\n"
    "  with one vocabulary for both languages\n";

}  // namespace

int convert_command(Arguments arguments) {
  if (take_flag(arguments, "--help")) return fmt::print("{}", kUsage), 0;
  const std::optional<std::string> to = take_option(arguments, "--to"), as = take_option(arguments, "--as");
  if (!to || to->empty() || !as || arguments.size() != 1)
    throw Error("convert: one folder, --to and --as are needed\n{}", kUsage);
  const std::optional<ModelForm> form = model_form_of(*as);
  if (!form) throw Error("command line --as: found {}, expected {}", *as, kModelForms);
  convert_model(arguments.front(), *to, *form);
  fmt::print("{}: {} of {}\n", *to, *as, arguments.front());
  return 0;
}

}  // namespace podium
