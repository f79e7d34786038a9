#include "session.h"

#include <cstdlib>

namespace ordo {

Buffer::~Buffer() { std::free(data_); }

char *Buffer::reserve(size_t bytes) {
  if (bytes <= size_) return data_;
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  bytes = (bytes + 4095) / 4096 * 4096;
  void *p = nullptr;
  if (posix_memalign(&p, 4096, bytes)) throw Fault("no memory for " + std::to_string(bytes) + " bytes of scratch");
  data_ = static_cast<char *>(p);
  size_ = bytes;
  return data_;
}

dnnl_stream *Session::stream(size_t i) {
  dnnl.alone();
  if (!streams_[i]) {
    dnnl_stream *s = nullptr;
    if (dnnl.stream_create(&s, dnnl.engine, 1)) throw Fault("oneDNN gives no stream");
    streams_[i].reset(s);
  }
  return streams_[i].get();
}

size_t Session::scratch() const {
  size_t n = shared_.size();
  for (const Buffer &b : slices_) n += b.size();
  return n;
}

void Session::check(OrtStatus *status) const {
  if (!status) return;
  std::string text = ort.GetErrorMessage(status);
  ort.ReleaseStatus(status);
  throw Fault(text);
}

int64_t Tensor::size() const {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

bool Node::given(OrtStatus *status) const {
  if (!status) return true;
  ort_.ReleaseStatus(status);
  return false;
}

std::string Node::name() const {
  char text[256];
  size_t size = sizeof text;
  return given(ort_.KernelInfo_GetNodeName(info_, text, &size)) ? text : "";
}

int64_t Node::integer(const char *name, int64_t missing) const {
  int64_t v = 0;
  return given(ort_.KernelInfoGetAttribute_int64(info_, name, &v)) ? v : missing;
}

float Node::real(const char *name, float missing) const {
  float v = 0;
  return given(ort_.KernelInfoGetAttribute_float(info_, name, &v)) ? v : missing;
}

std::string Node::text(const char *name, const char *missing) const {
  char text[32];
  size_t size = sizeof text;
  return given(ort_.KernelInfoGetAttribute_string(info_, name, text, &size)) ? text : missing;
}

std::vector<int64_t> Node::integers(const char *name, size_t count, int64_t missing) const {
  int64_t values[8];
  size_t n = 8;
  if (!given(ort_.KernelInfoGetAttributeArray_int64(info_, name, values, &n)))
    return std::vector<int64_t>(count, missing);
  if (n != count) throw Fault(std::string(name) + " must have " + std::to_string(count) + " values");
  return std::vector<int64_t>(values, values + n);
}

std::vector<int64_t> Node::integers(const char *name) const {
  int64_t values[8];
  size_t n = 8;
  if (!given(ort_.KernelInfoGetAttributeArray_int64(info_, name, values, &n))) n = 0;
  return std::vector<int64_t>(values, values + n);
}

Tensor Run::input(size_t i) const {
  const Ort &ort = session.ort;
  Tensor t;
  size_t count = 0;
  session.check(ort.KernelContext_GetInputCount(context, &count));
  const OrtValue *value = nullptr;
  if (i < count) session.check(ort.KernelContext_GetInput(context, i, &value));
  if (!value) return t;
  OrtTensorTypeAndShapeInfo *info = nullptr;
  session.check(ort.GetTensorTypeAndShape(value, &info));
  size_t rank = 0;
  OrtStatus *status = ort.GetDimensionsCount(info, &rank);
  if (!status) {
    t.dims.resize(rank);
    status = ort.GetDimensions(info, t.dims.data(), rank);
  }
  ort.ReleaseTensorTypeAndShapeInfo(info);
  session.check(status);
  // This is also the way to read.
  session.check(ort.GetTensorMutableData(const_cast<OrtValue *>(value), &t.data));
  return t;
}

Tensor Run::image(size_t i, const char *name) const {
  Tensor t = channels(i, name);
  if (t.dims.size() != 4) throw Fault(std::string(name) + " must have four dimensions, it has shape " + shape(t.dims));
  return t;
}

Tensor Run::channels(size_t i, const char *name) const {
  Tensor t = input(i);
  if (!t || t.dims.size() < 2)
    throw Fault(std::string(name) + " must have rows and channels, it has shape " + shape(t.dims));
  for (int64_t d : t.dims)
    if (d < 1) throw Fault(std::string(name) + " is empty, it has shape " + shape(t.dims));
  return t;
}

float *Run::vector(size_t i, const char *name, int64_t n) const {
  Tensor t = input(i);
  if (!t || t.dims.size() != 1 || t.dims[0] != n)
    throw Fault(std::string(name) + " must have shape [" + std::to_string(n) + "], it has " + shape(t.dims));
  return t.floats();
}

Tensor Run::output(size_t i, const std::vector<int64_t> &dims) const {
  const Ort &ort = session.ort;
  Tensor t;
  t.dims = dims;
  size_t count = 0;
  session.check(ort.KernelContext_GetOutputCount(context, &count));
  OrtValue *value = nullptr;
  if (i < count) session.check(ort.KernelContext_GetOutput(context, i, dims.data(), dims.size(), &value));
  if (value) session.check(ort.GetTensorMutableData(value, &t.data));
  return t;
}

std::string shape(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); i++) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

}  // namespace ordo
