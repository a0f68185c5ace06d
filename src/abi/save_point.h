#pragma once
// SavePoint: where an abandoned driver call continues. What sigsetjmp(buf, 0) does, in a third of the instructions, because
// every entry into a driver pays for it: no signal mask, no pointer mangling. ThreadSanitizer must see the real one.

#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#include <csetjmp>
namespace drydock {
struct SavePoint {
  sigjmp_buf buffer;
};
}  // namespace drydock
#define DRYDOCK_SAVE_POINT(point) sigsetjmp((point).buffer, 0)
#else
namespace drydock {
struct SavePoint {
  std::uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
extern "C" [[gnu::returns_twice]] int drydock_save_point(SavePoint* point) noexcept;
extern "C" [[noreturn]] void drydock_return_to(const SavePoint* point) noexcept;
}  // namespace drydock
/// 0 the first time; 1 when return_to came back here. The rules of setjmp hold.
#define DRYDOCK_SAVE_POINT(point) ::drydock::drydock_save_point(&(point))
#endif

namespace drydock {

/// Continues at the save point, whose function must not have returned. Frames in between are gone, nothing unwinds.
[[noreturn]] inline void return_to(SavePoint& point) {
#if defined(__SANITIZE_THREAD__)
  siglongjmp(point.buffer, 1);
#else
  drydock_return_to(&point);
#endif
}

}  // namespace drydock
