// `worker convert`: a trained model in another form.
#pragma once

#include "worker/supervise/arguments.h"

namespace podium {

// FROM --to FOLDER --as FORM: prints what it made; 0. Throws Error.
int convert_command(Arguments arguments);

}  // namespace podium
