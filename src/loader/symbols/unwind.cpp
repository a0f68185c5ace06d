#include "loader/symbols/unwind.h"

#include "base/checked.h"
#include "loader/pe_format.h"
#include "loader/symbols/epilogue.h"
#include "loader/symbols/unwind_codes.h"

namespace drydock {
namespace {

std::uint32_t row_rva(const PeImage& image, std::uint32_t index) {
  return image.pdata_rva + index * static_cast<std::uint32_t>(sizeof(pe::RuntimeFunction));
}

std::optional<pe::RuntimeFunction> row(const PeImage& image, std::uint32_t index) {
  return image.load<pe::RuntimeFunction>(row_rva(image, index));
}

/// Undoes one function's prologue, as far as it has run, on a register context.
class FrameUnwinder {
 public:
  FrameUnwinder(const PeImage& pe, RegisterContext& context, const StackReader& stack)
      : pe_(pe), context_(context), stack_(stack) {}

  Result<UnwindStep> leave(const FunctionEntry& function, std::uint32_t rva) {
    step_.function = function;
    TRY(const pe::UnwindInfo info, info_at(function.unwind));
    set_establisher_frame(info, function, rva);
    const bool in_prologue = rva - function.begin < info.prologue_size;
    if (!in_prologue) {
      if (const auto epilogue = epilogue_at(pe_, rva, function, info.frame_register())) {
        TRY_VOID(finish(*epilogue));
        return step_;
      }
    }
    TRY_VOID(undo_chain(function, rva - function.begin, in_prologue));
    if (!step_.machine_frame) TRY_VOID(pop_return_address());
    return step_;
  }

  Result<UnwindStep> leave_leaf() {
    step_.establisher_frame = context_.rsp;
    TRY_VOID(pop_return_address());
    return step_;
  }

 private:
  Result<pe::UnwindInfo> info_at(std::uint32_t rva) const {
    const auto info = pe_.load<pe::UnwindInfo>(rva);
    if (!info) return refuse("unwind information at {:#x} lies outside the image", rva);
    if (info->version() != 1 && info->version() != 2) return refuse("unwind information at {:#x} has version {}", rva, info->version());
    return *info;
  }

  Result<std::uint64_t> read(std::uint64_t address) const {
    const auto value = stack_.read(address);
    if (!value) return refuse("the frame leads to {:#x}, outside the stack", address);
    return *value;
  }

  Result<void> pop_into(std::uint64_t& target) {
    TRY(const std::uint64_t value, read(context_.rsp));
    context_.rsp += 8;
    target = value;  // after the addition: `pop rsp` keeps the value
    return {};
  }

  Result<void> pop_return_address() { return pop_into(context_.rip); }

  /// A frame register holds the base only once the prologue has set it, which its code's offset tells.
  void set_establisher_frame(const pe::UnwindInfo& info, const FunctionEntry& function, std::uint32_t rva) {
    const unsigned number = info.frame_register();
    frame_is_set_ = number != 0 && (rva - function.begin >= info.prologue_size || (info.flags() & pe::kChained) ||
                                    set_frame_has_run(info, function, rva - function.begin));
    step_.establisher_frame = frame_is_set_ ? context_.general(number) - info.frame_offset() : context_.rsp;
  }

  bool set_frame_has_run(const pe::UnwindInfo& info, const FunctionEntry& function, std::uint32_t offset) const {
    for (unsigned i = 0; i < info.code_slots;) {
      const auto code = code_at(function.unwind, i);
      const unsigned slots = code ? pe::unwind_slots(code->operation(), code->info()) : 0;
      if (slots == 0) return false;
      if (code->operation() == pe::kSetFrameRegister) return offset >= code->prologue_offset;
      i += slots;
    }
    return false;
  }

  Result<void> finish(const Epilogue& epilogue) {
    if (epilogue.frame_register) context_.rsp = context_.general(*epilogue.frame_register);
    context_.rsp += epilogue.add;
    for (const unsigned number : epilogue.pops) TRY_VOID(pop_into(context_.general(number)));
    return pop_return_address();
  }

  /// This function's codes, then those of the functions it is chained to: their prologues have run entirely.
  Result<void> undo_chain(const FunctionEntry& function, std::uint32_t offset, bool in_prologue) {
    std::uint32_t unwind = function.unwind;
    for (unsigned links = 0; links < kUnwindChainMax; ++links) {
      TRY(const pe::UnwindInfo info, info_at(unwind));
      TRY_VOID(undo_codes(unwind, info, links == 0 ? offset : UINT32_MAX));
      const std::uint32_t tail = unwind + 4 + ((info.code_slots + 1u) & ~1u) * 2;
      if (!(info.flags() & pe::kChained)) return in_prologue ? Result<void>{} : note_handler(info, tail);
      const auto parent = pe_.load<pe::RuntimeFunction>(tail);
      if (!parent) return refuse("chained unwind information at {:#x} lies outside the image", tail);
      unwind = parent->unwind;
    }
    return refuse("unwind information is chained more than {} times", kUnwindChainMax);
  }

  Result<void> note_handler(const pe::UnwindInfo& info, std::uint32_t tail) {
    step_.handles_exceptions = info.flags() & pe::kExceptionHandler;
    step_.handles_unwind = info.flags() & pe::kUnwindHandler;
    if (!step_.handles_exceptions && !step_.handles_unwind) return {};
    const auto handler = pe_.load<std::uint32_t>(tail);
    if (!handler || *handler >= pe_.size) return refuse("the exception handler named at {:#x} lies outside the image", tail);
    step_.handler_rva = *handler;
    step_.handler_data_rva = tail + 4;
    return {};
  }

  std::optional<pe::UnwindCode> code_at(std::uint32_t unwind, unsigned slot) const {
    return pe_.load<pe::UnwindCode>(unwind + 4 + slot * 2);
  }

  std::uint32_t operand(std::uint32_t unwind, unsigned slot, unsigned bytes) const {
    const std::uint32_t rva = unwind + 4 + slot * 2;
    if (bytes == 2) return pe_.load<std::uint16_t>(rva).value_or(0);
    return pe_.load<std::uint32_t>(rva).value_or(0);
  }

  Result<void> undo_codes(std::uint32_t unwind, const pe::UnwindInfo& info, std::uint32_t offset) {
    for (unsigned i = 0; i < info.code_slots && !step_.machine_frame;) {
      const auto code = code_at(unwind, i);
      const unsigned slots = code ? pe::unwind_slots(code->operation(), code->info()) : 0;
      if (slots == 0 || i + slots > info.code_slots) return refuse("unwind code {} at {:#x} is damaged", i, unwind);
      if (offset >= code->prologue_offset) TRY_VOID(undo(*code, info, operand(unwind, i + 1, slots == 3 ? 4 : 2)));
      i += slots;
    }
    return {};
  }

  Result<void> undo(pe::UnwindCode code, const pe::UnwindInfo& info, std::uint64_t operand) {
    switch (code.operation()) {
      case pe::kPushNonvolatile: return pop_into(context_.general(code.info()));
      case pe::kAllocSmall: context_.rsp += code.info() * 8 + 8; return {};
      case pe::kAllocLarge: context_.rsp += code.info() == 0 ? operand * 8 : operand; return {};
      case pe::kSetFrameRegister: return restore_rsp(info);
      case pe::kSaveNonvolatile: return restore(context_.general(code.info()), operand * 8);
      case pe::kSaveNonvolatileFar: return restore(context_.general(code.info()), operand);
      case pe::kSaveXmm: return restore(context_.xmm[code.info()], operand * 16);
      case pe::kSaveXmmFar: return restore(context_.xmm[code.info()], operand);
      case pe::kPushMachineFrame: return pop_machine_frame(code.info());
      case pe::kEpilogue:
      case pe::kSpare: return {};
    }
    return refuse("unwind operation {} does not exist", static_cast<unsigned>(code.operation()));
  }

  Result<void> restore_rsp(const pe::UnwindInfo& info) {
    if (info.frame_register() == 0) return refuse("unwind information sets a frame register but names none");
    context_.rsp = context_.general(info.frame_register()) - info.frame_offset();
    return {};
  }

  Result<void> restore(std::uint64_t& target, std::uint64_t offset) {
    TRY(target, read(saved_base() + offset));
    return {};
  }

  Result<void> restore(Xmm& target, std::uint64_t offset) {
    TRY(const std::uint64_t low, read(saved_base() + offset));
    TRY(const std::uint64_t high, read(saved_base() + offset + 8));
    std::memcpy(target.bytes, &low, 8);
    std::memcpy(target.bytes + 8, &high, 8);
    return {};
  }

  /// Registers saved by mov lie relative to the base of the fixed part of the frame.
  std::uint64_t saved_base() const { return frame_is_set_ ? step_.establisher_frame : context_.rsp; }

  /// As the processor pushes it: [error code,] rip, cs, flags, rsp, ss.
  Result<void> pop_machine_frame(unsigned with_error_code) {
    const std::uint64_t frame = context_.rsp + (with_error_code ? 8 : 0);
    TRY(context_.rip, read(frame));
    TRY(context_.rsp, read(frame + 24));
    step_.machine_frame = true;
    return {};
  }

  const PeImage& pe_;
  RegisterContext& context_;
  const StackReader& stack_;
  UnwindStep step_;
  bool frame_is_set_ = false;
};

}  // namespace

std::uint64_t& RegisterContext::general(unsigned number) {
  static constexpr std::array<std::uint64_t RegisterContext::*, 16> kByNumber{
      &RegisterContext::rax, &RegisterContext::rcx, &RegisterContext::rdx, &RegisterContext::rbx,
      &RegisterContext::rsp, &RegisterContext::rbp, &RegisterContext::rsi, &RegisterContext::rdi,
      &RegisterContext::r8,  &RegisterContext::r9,  &RegisterContext::r10, &RegisterContext::r11,
      &RegisterContext::r12, &RegisterContext::r13, &RegisterContext::r14, &RegisterContext::r15};
  return this->*kByNumber[number & 15];
}

RegisterContext context_of(const TrapFrame& frame) {
  static constexpr std::array<Gpr, 16> kByNumber{Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rbx, Gpr::rsp, Gpr::rbp, Gpr::rsi, Gpr::rdi,
                                                 Gpr::r8,  Gpr::r9,  Gpr::r10, Gpr::r11, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};
  RegisterContext context;
  for (unsigned i = 0; i < 16; ++i) {
    context.general(i) = frame[kByNumber[i]];
    context.xmm[i] = frame.xmm(i);
  }
  context.rip = frame.rip();
  return context;
}

std::optional<FunctionEntry> find_function(const PeImage& image, std::uint32_t rva) {
  std::uint32_t low = 0, high = image.pdata_size / static_cast<std::uint32_t>(sizeof(pe::RuntimeFunction));
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto candidate = row(image, middle);
    if (!candidate) return std::nullopt;
    if (rva < candidate->begin)
      high = middle;
    else if (rva >= candidate->end)
      low = middle + 1;
    else
      return FunctionEntry{candidate->begin, candidate->end, candidate->unwind, row_rva(image, middle)};
  }
  return std::nullopt;
}

Result<UnwindStep> virtual_unwind(const PeImage& image, std::uint64_t base, RegisterContext& context, RipKind rip,
                                  const StackReader& stack) {
  const std::uint64_t offset = context.rip - base;
  if (offset > image.size) return refuse("{:#x} lies outside the image", context.rip);
  const auto rva = static_cast<std::uint32_t>(offset);
  // A call may be a function's last instruction: the return address then already belongs to the next function.
  const auto function = find_function(image, rip == RipKind::return_address ? rva - 1 : rva);
  RegisterContext caller = context;
  FrameUnwinder unwinder(image, caller, stack);
  TRY(UnwindStep step, function ? unwinder.leave(*function, rva) : unwinder.leave_leaf());
  context = caller;
  return step;
}

DriverStack walk_driver_frames(const CodeMap& code, RegisterContext context, RipKind rip, const StackReader& stack) {
  DriverStack result;
  while (const auto image = code.image_at(context.rip)) {
    if (result.frames.size() == kDriverFramesMax) {
      result.stopped = fmt::format("more than {} frames", kDriverFramesMax);
      break;
    }
    result.frames.push_back({context.rip, rip, context.rsp});
    const std::uint64_t before = context.rsp;
    auto step = virtual_unwind(*image->pe, image->base, context, rip, stack);
    if (step && !step->function && rip == RipKind::return_address) step = refuse("no unwind information for a function that calls");
    if (step && context.rsp <= before && !step->machine_frame) step = refuse("the frame does not lead upwards");
    if (!step) {
      result.stopped = std::move(step.error().message);
      break;
    }
    result.frames.back().establisher_frame = step->establisher_frame;
    rip = step->machine_frame ? RipKind::exact : RipKind::return_address;
  }
  result.border = context;
  return result;
}

}  // namespace drydock
