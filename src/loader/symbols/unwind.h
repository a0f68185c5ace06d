#pragma once
// Walking driver frames by the image's own unwind tables (.pdata/.xdata): works on any release binary, needs no debug
// information. Written from "x64 exception handling" on learn.microsoft.com.
//
// virtual_unwind() takes one step: from the registers inside a function to the registers of its caller, as they will be
// after the return. It is right at every instruction, prologue and epilogue included (a test single-steps real drivers
// and checks each one), and it is total: tables come from the file, code bytes too, the stack only through the caller's
// StackReader, every loop has a limit, so no table and no register content can make it fault or hang.

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "abi/trap_frame.h"
#include "base/result.h"
#include "loader/pe_image.h"

namespace drydock {

inline constexpr unsigned kUnwindChainMax = 32;
inline constexpr unsigned kDriverFramesMax = 128;

/// What a Windows x64 function sees and may change. The order of the general registers is the hardware's.
struct RegisterContext {
  std::uint64_t rax = 0, rcx = 0, rdx = 0, rbx = 0, rsp = 0, rbp = 0, rsi = 0, rdi = 0;
  std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t rip = 0;
  std::array<Xmm, 16> xmm{};

  std::uint64_t& general(unsigned number);  // 0 = rax, 1 = rcx, ... 15 = r15
};

/// The driver's registers as they will be when the export that owns this frame returns to it: pass
/// __builtin_frame_address(0) of a function compiled with frame pointers. Only rip, rsp and rbp are known.
inline RegisterContext context_at_call(const void* frame_address) {
  const auto* frame = static_cast<const std::uint64_t*>(frame_address);
  RegisterContext context;
  context.rbp = frame[0];
  context.rip = frame[1];
  context.rsp = reinterpret_cast<std::uint64_t>(frame + 2);
  return context;
}

/// The driver's registers at a trapped instruction, all of them.
RegisterContext context_of(const TrapFrame& frame);

/// Reads eight bytes of the stack being walked, or says that the address is none of it.
class StackReader {
 public:
  virtual ~StackReader() = default;
  virtual std::optional<std::uint64_t> read(std::uint64_t address) const = 0;
};

/// The stack is [low, high), all of it readable.
class StackRange final : public StackReader {
 public:
  StackRange(std::uint64_t low, std::uint64_t high) : low_(low), high_(high) {}
  std::optional<std::uint64_t> read(std::uint64_t address) const override {
    if (address % 8 != 0 || address < low_ || address >= high_ || high_ - address < 8) return std::nullopt;
    std::uint64_t value;
    std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
    return value;
  }

 private:
  std::uint64_t low_, high_;
};

/// Where a frame's rip points: at the instruction about to run (a trap, a breakpoint), or behind a call.
enum class RipKind { exact, return_address };

/// One row of .pdata.
struct FunctionEntry {
  std::uint32_t begin = 0, end = 0, unwind = 0;  // RVAs
  std::uint32_t row = 0;                         // RVA of the row itself
};

/// The row that covers `rva`; nothing for a leaf function.
std::optional<FunctionEntry> find_function(const PeImage& pe, std::uint32_t rva);

struct UnwindStep {
  std::optional<FunctionEntry> function;  // of the frame left behind; the first one of a chain, nothing for a leaf
  std::uint64_t establisher_frame = 0;    // base of the fixed part of the frame left behind
  std::uint32_t handler_rva = 0;          // language handler that applies at this rip; 0 = none
  std::uint32_t handler_data_rva = 0;     // what the compiler put behind it (a scope table)
  bool handles_exceptions = false;        // UNW_FLAG_EHANDLER
  bool handles_unwind = false;            // UNW_FLAG_UHANDLER
  bool machine_frame = false;             // the caller was interrupted, not calling: its rip is exact
};

/// One step from `context`, which lies in the image `pe` mapped at `base`. On success `context` is the caller's.
Result<UnwindStep> virtual_unwind(const PeImage& pe, std::uint64_t base, RegisterContext& context, RipKind rip,
                                  const StackReader& stack);

struct CodeImage {
  const PeImage* pe = nullptr;
  std::uint64_t base = 0;
};

/// Which image holds this address, if any.
class CodeMap {
 public:
  virtual ~CodeMap() = default;
  virtual std::optional<CodeImage> image_at(std::uint64_t address) const = 0;
};

struct DriverFrame {
  std::uint64_t rip = 0;
  RipKind kind = RipKind::exact;
  std::uint64_t establisher_frame = 0;
};

struct DriverStack {
  std::vector<DriverFrame> frames;  // innermost first
  RegisterContext border;           // registers at the first rip outside all images: where the host called in
  std::string stopped;              // empty when the border was reached; else why the walk ended early
};

/// Walks from `context` up to the border with the host. A context already outside gives no frames.
DriverStack walk_driver_frames(const CodeMap& code, RegisterContext context, RipKind rip, const StackReader& stack);

}  // namespace drydock
