#include "loader/symbols/epilogue.h"

#include "loader/symbols/unwind_codes.h"

namespace drydock {
namespace {

constexpr std::uint8_t kRexW = 0x48, kRexB = 0x01;
constexpr std::size_t kPopsMax = 16;

/// Code bytes from one place on; a byte past the section is 0xCC, which no epilogue contains.
class Code {
 public:
  Code(const PeImage& pe, std::uint32_t rva) : rva_(rva) {
    constexpr std::uint32_t kLongest = 64;
    for (std::uint32_t length = kLongest; length != 0 && bytes_.empty(); length /= 2)
      if (const auto view = pe.view(rva, length)) bytes_ = *view;
  }
  std::uint8_t operator[](std::size_t i) const {
    return at_ + i < bytes_.size() ? static_cast<std::uint8_t>(bytes_[at_ + i]) : 0xCC;
  }
  std::int32_t int8(std::size_t i) const { return static_cast<std::int8_t>((*this)[i]); }
  std::int32_t int32(std::size_t i) const {
    std::uint32_t value = 0;
    for (unsigned n = 0; n < 4; ++n) value |= static_cast<std::uint32_t>((*this)[i + n]) << 8 * n;
    return static_cast<std::int32_t>(value);
  }
  void skip(std::size_t count) { at_ += count; }
  std::uint32_t rva() const { return rva_ + static_cast<std::uint32_t>(at_); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::uint32_t rva_;
};

std::uint64_t extend(std::int32_t value) { return static_cast<std::uint64_t>(std::int64_t{value}); }

/// add rsp, imm8 | add rsp, imm32
bool take_add(Code& code, Epilogue& epilogue) {
  if (code[0] != kRexW || code[2] != 0xC4) return false;
  if (code[1] == 0x83) return epilogue.add = extend(code.int8(3)), code.skip(4), true;
  if (code[1] == 0x81) return epilogue.add = extend(code.int32(3)), code.skip(7), true;
  return false;
}

/// lea rsp, disp8[frame] | lea rsp, disp32[frame]: only with the function's frame register.
bool take_lea(Code& code, Epilogue& epilogue, unsigned frame_register) {
  if (frame_register == 0 || (code[0] & ~kRexB) != kRexW || code[1] != 0x8D) return false;
  const std::uint8_t mod_rm = code[2];
  const unsigned from = (mod_rm & 7u) | ((code[0] & kRexB) ? 8u : 0u);
  if ((mod_rm & 0x38) != 0x20 || from != frame_register) return false;
  const std::size_t sib = (mod_rm & 7) == 4 ? 1 : 0;  // r12 needs one
  if (sib && code[3] != 0x24) return false;
  const unsigned mod = mod_rm >> 6;
  if (mod != 1 && mod != 2) return false;
  epilogue.frame_register = from;
  epilogue.add = extend(mod == 1 ? code.int8(3 + sib) : code.int32(3 + sib));
  code.skip((mod == 1 ? 4 : 7) + sib);
  return true;
}

bool take_pop(Code& code, Epilogue& epilogue) {
  const bool extended = code[0] == 0x41;
  const std::uint8_t opcode = code[extended ? 1 : 0];
  if ((opcode & 0xF8) != 0x58 || epilogue.pops.size() == kPopsMax) return false;
  epilogue.pops.push_back((opcode & 7u) | (extended ? 8u : 0u));
  code.skip(extended ? 2 : 1);
  return true;
}

/// A jump is a tail call when it goes to the beginning of a function: this one (recursion) or another. A part of this
/// very function that the compiler moved away runs on the same frame, which shows in its unwind information: chained,
/// or a frame without the instructions that would build it.
bool is_tail_call(const PeImage& pe, std::uint32_t target, const FunctionEntry& from) {
  if (target > from.begin && target < from.end) return false;
  const auto function = find_function(pe, target);
  if (!function) return true;
  const auto info = pe.load<pe::UnwindInfo>(function->unwind);
  if (function->begin != target || !info || (info->flags() & pe::kChained)) return false;
  return info->prologue_size != 0 || info->code_slots == 0;
}

bool at_return(const PeImage& pe, const Code& code, const FunctionEntry& from) {
  const std::uint8_t first = code[0];
  if (first == 0xC3 || first == 0xC2 || (first == 0xF3 && code[1] == 0xC3)) return true;
  if (first == 0xEB) return is_tail_call(pe, code.rva() + 2 + static_cast<std::uint32_t>(code.int8(1)), from);
  if (first == 0xE9) return is_tail_call(pe, code.rva() + 5 + static_cast<std::uint32_t>(code.int32(1)), from);
  if (first == 0xFF) return code[1] == 0x25;                                   // jmp [rip + n]: through an import
  if (first == kRexW && code[1] == 0xFF) return code[2] == 0x25 || (code[2] & 0xF8) == 0xE0;  // the W marks a tail jump
  if (first == 0x49 && code[1] == 0xFF) return (code[2] & 0xF8) == 0xE0;
  return false;
}

}  // namespace

std::optional<Epilogue> epilogue_at(const PeImage& pe, std::uint32_t rva, const FunctionEntry& function,
                                    unsigned frame_register) {
  Code code(pe, rva);
  Epilogue epilogue;
  if (!take_add(code, epilogue)) take_lea(code, epilogue, frame_register);
  while (take_pop(code, epilogue)) {
  }
  if (!at_return(pe, code, function)) return std::nullopt;
  return epilogue;
}

}  // namespace drydock
