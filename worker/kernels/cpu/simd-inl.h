// Loops over vectors whose last one may be partial: the elements at the end go through the same operations as all
// others. Compiled once per instruction set.
#if defined(PODIUM_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef PODIUM_SIMD_INL_H
#undef PODIUM_SIMD_INL_H
#else
#define PODIUM_SIMD_INL_H
#endif

#include <cstdint>

#include "hwy/highway.h"

#if !HWY_NATIVE_FMA && defined(__x86_64__)
#error "The kernels promise the same bits on every instruction set, which needs a fused MulAdd on each."
#endif

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// How the body of a loop reaches memory: all lanes of a vector, or the first `count` (the others read as 0).
struct WholeVector {
  HWY_INLINE FloatVector load(const float* p) const { return hn::LoadU(Floats(), p); }
  HWY_INLINE void store(FloatVector v, float* p) const { hn::StoreU(v, Floats(), p); }
  HWY_INLINE FloatVector keep_or(FloatVector v, FloatVector /*other*/) const { return v; }
};
struct PartOfVector {
  size_t count;
  HWY_INLINE FloatVector load(const float* p) const { return hn::MaskedLoad(hn::FirstN(Floats(), count), Floats(), p); }
  HWY_INLINE void store(FloatVector v, float* p) const {
    hn::BlendedStore(v, hn::FirstN(Floats(), count), Floats(), p);
  }
  // v in the lanes that count, `other` in the rest.
  HWY_INLINE FloatVector keep_or(FloatVector v, FloatVector other) const {
    return hn::IfThenElse(hn::FirstN(Floats(), count), v, other);
  }
};

// body(access, i) for the vectors that begin at the elements i of [0, count).
template <typename Body>
HWY_INLINE void for_vectors(int64_t count, Body&& body) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(WholeVector(), i);
  if (i < count) body(PartOfVector{static_cast<size_t>(count - i)}, i);
}

// combine(...) over the values term(access, i), four chains at a time. The order depends on `count` and the instruction
// set alone. A term must itself give `neutral` in the lanes beyond `count`.
template <typename Value, typename Term, typename Combine>
HWY_INLINE Value reduce_vectors(int64_t count, Value neutral, Term&& term, Combine&& combine) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  Value r0 = neutral, r1 = neutral, r2 = neutral, r3 = neutral;
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    r0 = combine(r0, term(WholeVector(), i));
    r1 = combine(r1, term(WholeVector(), i + lanes));
    r2 = combine(r2, term(WholeVector(), i + 2 * lanes));
    r3 = combine(r3, term(WholeVector(), i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) r0 = combine(r0, term(WholeVector(), i));
  if (i < count) r1 = combine(r1, term(PartOfVector{static_cast<size_t>(count - i)}, i));
  return combine(combine(r0, r1), combine(r2, r3));
}

HWY_INLINE float sum_of_lanes(FloatVector v) { return hn::GetLane(hn::SumOfLanes(Floats(), v)); }

// The sum of the elements of term(access, i).
template <typename Term>
HWY_INLINE float sum_vectors(int64_t count, Term&& term) {
  return sum_of_lanes(reduce_vectors(
      count, hn::Zero(Floats()),
      [&](auto access, int64_t i) PODIUM_INLINE { return access.keep_or(term(access, i), hn::Zero(Floats())); },
      [](FloatVector a, FloatVector b) PODIUM_INLINE { return hn::Add(a, b); }));
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
