#pragma once
// A place in driver code, as it was met: a return address or a faulting instruction, with what is needed to walk on.

#include <cstdint>

namespace drydock {

/// The registers an unwinder starts from. Zero rip: no driver code is involved.
struct CodePlace {
  std::uint64_t rip = 0;
  std::uint64_t rsp = 0;
  std::uint64_t rbp = 0;
  bool is_return_address = true;  ///< false: rip is the instruction itself (a trap)
};

/// The same of a routine's caller, not looked at until somebody wants to know: the frame of the routine (rbp, return
/// address, as the driver's call left them). Null: no driver code is involved.
class CallSite {
 public:
  CallSite() = default;
  explicit CallSite(const std::uint64_t* frame) : frame_(frame) {}
  operator CodePlace() const {
    if (frame_ == nullptr) return {};
    return {frame_[1], reinterpret_cast<std::uint64_t>(frame_) + 16, frame_[0], true};
  }

 private:
  const std::uint64_t* frame_ = nullptr;
};

}  // namespace drydock
