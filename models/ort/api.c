#include "api.h"

#include <dlfcn.h>

const void *const *ordo_api;
const void *const *ordo_training_api;
static void *library;

const char *ordo_open(const char *path, const char **version) {
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return dlerror();
  const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
  const char *fault = NULL;
  if (!base) {
    fault = "it is not an ONNX Runtime library (OrtGetApiBase is missing)";
  } else {
    *version = base()->GetVersionString();
    ordo_api = base()->GetApi(ORDO_API_VERSION);
    if (!ordo_api) fault = "it is older than ONNX Runtime 1.19";
  }
  if (fault) {
    ordo_close();
    return fault;
  }
  ordo_training_api = ort_GetTrainingApi(ORDO_API_VERSION);
  return NULL;
}

void ordo_close(void) {
  ordo_api = ordo_training_api = NULL;
  if (library) dlclose(library);
  library = NULL;
}

bool ordo_can_load(const char *name) {
  void *it = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
  if (it) dlclose(it);
  return it != NULL;
}
