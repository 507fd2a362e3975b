// What a refusal of the Kubernetes API means for the person who applied the manifests.
#pragma once

#include <string>

#include "coordinator/kubernetes/api_error.h"
#include "coordinator/kubernetes/credentials.h"

namespace podium::kubernetes {

// What was asked for, as a Role names it: "patch" on "statefulsets/scale" of "web"; without a name, on all.
struct Access {
  std::string resource, verb, name;
};

// One sentence with the fix where one is known, else the error itself.
std::string explain(const ApiError& error, const Access& access, const Credentials& credentials);

}  // namespace podium::kubernetes
