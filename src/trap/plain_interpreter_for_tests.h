#pragma once
// PlainInterpreter: the second opinion on what an instruction does. Every mnemonic is written out from the processor
// manuals, one after the other, on the instruction as the test meant it, not as some decoder read it. Slow, obvious, and
// without a line in common with the emulator. For tests.

#include <Zydis/Zydis.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace drydock::plain {

using u64 = std::uint64_t;
using u128 = unsigned __int128;
using s128 = __int128;

/// The processor's numbers: rax 0, rcx, rdx, rbx, rsp 4, rbp, rsi, rdi, r8 … r15.
enum Number : int { kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsp = 4, kRsi = 6, kRdi = 7, kNone = -1 };

enum : u64 { kCarry = 1, kParity = 4, kAdjust = 0x10, kZero = 0x40, kSign = 0x80, kDirection = 0x400, kOverflow = 0x800 };
inline constexpr u64 kStatus = kCarry | kParity | kAdjust | kZero | kSign | kOverflow;

struct Operand {
  enum class Kind : std::uint8_t { general, high_byte, vector, memory, immediate } kind = Kind::general;
  unsigned size = 0;  // bytes
  int number = 0;     // of a register
  int base = kNone, index = kNone;
  unsigned scale = 1;
  std::int64_t value = 0;  // displacement, immediate
};

struct Instruction {
  ZydisMnemonic mnemonic{};
  std::vector<Operand> operands{};
  bool repeated = false, until_equal = false;  // rep or repe; repne
  unsigned element = 0;                        // of string instructions
};

struct Access {
  u64 address;
  unsigned size;
  bool write;
  bool operator==(const Access&) const = default;
};

struct State {
  u64 r[16]{};
  u64 flags = 0;
  std::uint8_t x[16][16]{};
  u64 memory_base = 0;
  std::vector<std::uint8_t> memory;
  std::vector<Access> accesses;
  u64 undefined = 0;  // flags the manual leaves undefined after this instruction
};

enum class Outcome : std::uint8_t { done, divide_error, unknown };

class Interpreter {
 public:
  Interpreter(const Instruction& instruction, State& state) : i_(instruction), s_(state) {}

  Outcome run() {
    s_.undefined = 0;
    if (i_.element) return strings();
    for (bool (Interpreter::*attempt)() : {&Interpreter::moves, &Interpreter::arithmetic, &Interpreter::one_operand, &Interpreter::multiplication,
                          &Interpreter::shifts, &Interpreter::bits, &Interpreter::conditions, &Interpreter::exchanges,
                          &Interpreter::vex, &Interpreter::stack, &Interpreter::vectors})
      if ((this->*attempt)()) return divide_error_ ? Outcome::divide_error : Outcome::done;
    return Outcome::unknown;
  }

 private:
  bool is(ZydisMnemonic m) const { return i_.mnemonic == m; }
  const Operand& op(std::size_t n) const { return i_.operands[n]; }
  unsigned size() const { return op(0).size; }
  static u64 mask(unsigned bytes) { return bytes >= 8 ? ~u64{0} : (u64{1} << 8 * bytes) - 1; }
  static u64 top(unsigned bytes) { return u64{1} << (8 * bytes - 1); }
  static std::int64_t sign(u64 v, unsigned bytes) {
    const unsigned unused = 64 - 8 * bytes;
    return static_cast<std::int64_t>(v << unused) >> unused;
  }

  // --- operands ---------------------------------------------------------------------------------------------------------
  u64 address(const Operand& o) const {
    return (o.base == kNone ? 0 : s_.r[o.base]) + (o.index == kNone ? 0 : s_.r[o.index] * o.scale) + static_cast<u64>(o.value);
  }
  void load(u64 at, void* to, unsigned bytes) {
    std::memcpy(to, s_.memory.data() + (at - s_.memory_base), bytes);
    s_.accesses.push_back({at, bytes, false});
  }
  void store(u64 at, const void* from, unsigned bytes) {
    std::memcpy(s_.memory.data() + (at - s_.memory_base), from, bytes);
    s_.accesses.push_back({at, bytes, true});
  }
  u64 reg(int number, unsigned bytes) const { return s_.r[number] & mask(bytes); }
  void set_reg(int number, unsigned bytes, u64 v) {
    s_.r[number] = bytes == 4 ? v & mask(4) : (s_.r[number] & ~mask(bytes)) | (v & mask(bytes));
  }
  u64 get(const Operand& o, unsigned bytes = 0) {
    if (bytes == 0) bytes = o.size;
    u64 v = 0;
    switch (o.kind) {
      case Operand::Kind::general: return reg(o.number, bytes);
      case Operand::Kind::high_byte: return s_.r[o.number] >> 8 & 0xFF;
      case Operand::Kind::immediate: return static_cast<u64>(o.value) & mask(bytes);
      case Operand::Kind::vector: std::memcpy(&v, s_.x[o.number], bytes); return v;
      case Operand::Kind::memory: load(address(o), &v, bytes); return v;
    }
    return v;
  }
  void set(const Operand& o, u64 v) {
    if (o.kind == Operand::Kind::general) set_reg(o.number, o.size, v);
    if (o.kind == Operand::Kind::high_byte) s_.r[o.number] = (s_.r[o.number] & ~u64{0xFF00}) | (v & 0xFF) << 8;
    if (o.kind == Operand::Kind::memory) store(address(o), &v, o.size);
  }
  bool flag(u64 f) const { return (s_.flags & f) != 0; }
  void put(u64 f, bool on) { s_.flags = on ? s_.flags | f : s_.flags & ~f; }
  void result_flags(u64 v, unsigned bytes) {
    v &= mask(bytes);
    put(kZero, v == 0);
    put(kSign, (v & top(bytes)) != 0);
    put(kParity, std::popcount(v & 0xFF) % 2 == 0);
  }
  u64 add(u64 a, u64 b, u64 carry, unsigned bytes) {
    const u128 wide = u128{a} + b + carry;
    const u64 v = static_cast<u64>(wide) & mask(bytes);
    result_flags(v, bytes);
    put(kCarry, (wide >> 8 * bytes) != 0);
    put(kOverflow, ((a ^ v) & (b ^ v) & top(bytes)) != 0);
    put(kAdjust, ((a ^ b ^ v) & 0x10) != 0);
    return v;
  }
  u64 subtract(u64 a, u64 b, u64 borrow, unsigned bytes) {
    const u64 v = (a - b - borrow) & mask(bytes);
    result_flags(v, bytes);
    put(kCarry, u128{a} < u128{b} + borrow);
    put(kOverflow, ((a ^ b) & (a ^ v) & top(bytes)) != 0);
    put(kAdjust, ((a ^ b ^ v) & 0x10) != 0);
    return v;
  }
  u64 logic(u64 v, unsigned bytes) {
    result_flags(v, bytes);
    put(kCarry | kOverflow, false);
    s_.undefined |= kAdjust;
    return v;
  }

  // --- families ---------------------------------------------------------------------------------------------------------
  bool moves() {
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_MOV: case ZYDIS_MNEMONIC_MOVZX: case ZYDIS_MNEMONIC_MOVNTI: set(op(0), get(op(1))); return true;
      case ZYDIS_MNEMONIC_MOVSX: case ZYDIS_MNEMONIC_MOVSXD: set(op(0), static_cast<u64>(sign(get(op(1)), op(1).size))); return true;
      case ZYDIS_MNEMONIC_MOVBE: {
        const u64 v = get(op(1));
        set(op(0), __builtin_bswap64(v) >> (64 - 8 * size()));
        return true;
      }
      default: return false;
    }
  }

  bool arithmetic() {
    if (i_.operands.size() != 2) return false;
    const unsigned n = size();
    const auto both = [&](auto&& f) {
      const bool first_is_memory = op(0).kind == Operand::Kind::memory;
      const u64 a = first_is_memory ? get(op(0)) : 0, b = get(op(1), n);
      return f(first_is_memory ? a : get(op(0)), b);
    };
    const u64 carry = flag(kCarry) ? 1 : 0;
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_ADD: set(op(0), both([&](u64 a, u64 b) { return add(a, b, 0, n); })); return true;
      case ZYDIS_MNEMONIC_ADC: set(op(0), both([&](u64 a, u64 b) { return add(a, b, carry, n); })); return true;
      case ZYDIS_MNEMONIC_SUB: set(op(0), both([&](u64 a, u64 b) { return subtract(a, b, 0, n); })); return true;
      case ZYDIS_MNEMONIC_SBB: set(op(0), both([&](u64 a, u64 b) { return subtract(a, b, carry, n); })); return true;
      case ZYDIS_MNEMONIC_AND: set(op(0), both([&](u64 a, u64 b) { return logic(a & b, n); })); return true;
      case ZYDIS_MNEMONIC_OR: set(op(0), both([&](u64 a, u64 b) { return logic(a | b, n); })); return true;
      case ZYDIS_MNEMONIC_XOR: set(op(0), both([&](u64 a, u64 b) { return logic(a ^ b, n); })); return true;
      case ZYDIS_MNEMONIC_CMP: both([&](u64 a, u64 b) { return subtract(a, b, 0, n); }); return true;
      case ZYDIS_MNEMONIC_TEST: both([&](u64 a, u64 b) { return logic(a & b, n); }); return true;
      default: return false;
    }
  }

  bool one_operand() {
    if (i_.operands.size() != 1) return false;
    const unsigned n = size();
    const bool carry = flag(kCarry);
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_INC: set(op(0), add(get(op(0)), 1, 0, n)), put(kCarry, carry); return true;
      case ZYDIS_MNEMONIC_DEC: set(op(0), subtract(get(op(0)), 1, 0, n)), put(kCarry, carry); return true;
      case ZYDIS_MNEMONIC_NEG: set(op(0), subtract(0, get(op(0)), 0, n)); return true;
      case ZYDIS_MNEMONIC_NOT: set(op(0), ~get(op(0))); return true;
      default: return false;
    }
  }

  bool multiplication() {
    const unsigned n = size(), bits = 8 * n;
    if (is(ZYDIS_MNEMONIC_IMUL) && i_.operands.size() > 1) {
      const std::size_t from = i_.operands.size() == 2 ? 0 : 2;
      const s128 a = sign(get(op(1)), n), b = sign(get(op(from), n), n), v = a * b;
      product_flags(v != sign(static_cast<u64>(v) & mask(n), n));
      set(op(0), static_cast<u64>(v));
      return true;
    }
    if (i_.operands.size() != 1) return false;
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_MUL: {
        const u128 v = u128{get(op(0))} * reg(kRax, n);
        product_flags((v >> bits) != 0);
        set_pair(v, n);
        return true;
      }
      case ZYDIS_MNEMONIC_IMUL: {
        const s128 v = s128{sign(get(op(0)), n)} * sign(reg(kRax, n), n);
        product_flags(v != sign(static_cast<u64>(v) & mask(n), n));
        set_pair(static_cast<u128>(v), n);
        return true;
      }
      case ZYDIS_MNEMONIC_DIV: divide(); return true;
      case ZYDIS_MNEMONIC_IDIV: divide_signed(); return true;
      default: return false;
    }
  }
  void product_flags(bool more) {
    put(kCarry | kOverflow, more);
    s_.undefined |= kZero | kSign | kParity | kAdjust;
  }
  void set_pair(u128 v, unsigned n) {
    if (n == 1) return set_reg(kRax, 2, static_cast<u64>(v));
    set_reg(kRax, n, static_cast<u64>(v));
    set_reg(kRdx, n, static_cast<u64>(v >> 8 * n));
  }
  u128 pair(unsigned n) const { return n == 1 ? u128{reg(kRax, 2)} : u128{reg(kRax, n)} | u128{reg(kRdx, n)} << 8 * n; }
  void set_quotient(u64 quotient, u64 rest, unsigned n) {
    s_.undefined |= kStatus;
    if (n == 1) return set_reg(kRax, 2, (quotient & 0xFF) | (rest & 0xFF) << 8);
    set_reg(kRax, n, quotient);
    set_reg(kRdx, n, rest);
  }
  void divide() {
    const unsigned n = size();
    const u64 by = get(op(0));
    if (by == 0 || pair(n) / by > mask(n)) return void(divide_error_ = true);
    set_quotient(static_cast<u64>(pair(n) / by), static_cast<u64>(pair(n) % by), n);
  }
  void divide_signed() {  // on magnitudes
    const unsigned n = size();
    const std::int64_t by = sign(get(op(0)), n);
    const u128 whole = pair(n);
    const bool negative = (whole >> (16 * n - 1) & 1) != 0;
    const u128 all = n == 8 ? ~u128{0} : (u128{1} << 16 * n) - 1;
    const u128 magnitude = negative ? (~whole + 1) & all : whole;
    const u128 divisor = by < 0 ? u128(-s128{by}) : u128(by);
    if (divisor == 0) return void(divide_error_ = true);
    const u128 quotient = magnitude / divisor, rest = magnitude % divisor;
    const bool quotient_negative = negative != (by < 0);
    if (quotient > u128{top(n)} - (quotient_negative ? 0 : 1)) return void(divide_error_ = true);
    set_quotient(static_cast<u64>(quotient_negative ? ~quotient + 1 : quotient), static_cast<u64>(negative ? ~rest + 1 : rest), n);
  }

  // --- shifts, one bit at a time ------------------------------------------------------------------------------------------
  bool shifts() {
    const bool is_double = is(ZYDIS_MNEMONIC_SHLD) || is(ZYDIS_MNEMONIC_SHRD);
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_ROL: case ZYDIS_MNEMONIC_ROR: case ZYDIS_MNEMONIC_RCL: case ZYDIS_MNEMONIC_RCR: case ZYDIS_MNEMONIC_SHL:
      case ZYDIS_MNEMONIC_SHR: case ZYDIS_MNEMONIC_SAR: case ZYDIS_MNEMONIC_SHLD: case ZYDIS_MNEMONIC_SHRD: break;
      default: return false;
    }
    const unsigned n = size(), bits = 8 * n;
    const auto count = static_cast<unsigned>(get(op(is_double ? 2 : 1), 1)) & (n == 8 ? 63 : 31);
    const u64 before = get(op(0));
    u64 v = before, more = is_double ? get(op(1)) : 0;
    for (unsigned k = 0; k < count; ++k) shift_once(v, more, n);
    set(op(0), v);  // a shift by nothing writes as well
    if (count == 0) return true;
    shift_flags(before, v, count, bits);
    return true;
  }
  void shift_once(u64& v, u64& more, unsigned n) {
    const u64 high = v & top(n), low = v & 1;
    const auto left = [&](u64 in) { v = (v << 1 | in) & mask(n); };
    const auto right = [&](bool in) { v = v >> 1 | (in ? top(n) : 0); };
    const bool carry = flag(kCarry);
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_ROL: left(high != 0); put(kCarry, high != 0); break;
      case ZYDIS_MNEMONIC_ROR: right(low != 0); put(kCarry, low != 0); break;
      case ZYDIS_MNEMONIC_RCL: left(carry); put(kCarry, high != 0); break;
      case ZYDIS_MNEMONIC_RCR: right(carry); put(kCarry, low != 0); break;
      case ZYDIS_MNEMONIC_SHL: left(0); put(kCarry, high != 0); break;
      case ZYDIS_MNEMONIC_SHR: right(false); put(kCarry, low != 0); break;
      case ZYDIS_MNEMONIC_SAR: right(high != 0); put(kCarry, low != 0); break;
      case ZYDIS_MNEMONIC_SHLD: left((more & top(n)) != 0); more <<= 1; put(kCarry, high != 0); break;
      default: right((more & 1) != 0); more >>= 1; put(kCarry, low != 0); break;  // shrd
    }
  }
  void shift_flags(u64 before, u64 v, unsigned count, unsigned bits) {
    const unsigned n = bits / 8;
    const bool rotates = is(ZYDIS_MNEMONIC_ROL) || is(ZYDIS_MNEMONIC_ROR) || is(ZYDIS_MNEMONIC_RCL) || is(ZYDIS_MNEMONIC_RCR);
    const bool is_double = is(ZYDIS_MNEMONIC_SHLD) || is(ZYDIS_MNEMONIC_SHRD);
    if (!rotates) {
      result_flags(v, n);
      s_.undefined |= kAdjust;
    }
    if (count != 1) s_.undefined |= kOverflow;
    if (count > bits && is_double) s_.undefined |= kStatus, undefined_result_ = true;
    if (count >= bits && (is(ZYDIS_MNEMONIC_SHL) || is(ZYDIS_MNEMONIC_SHR))) s_.undefined |= kCarry;
    const bool high = (v & top(n)) != 0, second = (v & top(n) >> 1) != 0, was = (before & top(n)) != 0;
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_ROL: case ZYDIS_MNEMONIC_RCL: case ZYDIS_MNEMONIC_SHL: put(kOverflow, high != flag(kCarry)); break;
      case ZYDIS_MNEMONIC_ROR: case ZYDIS_MNEMONIC_RCR: put(kOverflow, high != second); break;
      case ZYDIS_MNEMONIC_SHR: put(kOverflow, was); break;
      case ZYDIS_MNEMONIC_SAR: put(kOverflow, false); break;
      default: put(kOverflow, high != was); break;
    }
  }

  // --- bits -------------------------------------------------------------------------------------------------------------
  bool bits() {
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_BT: case ZYDIS_MNEMONIC_BTS: case ZYDIS_MNEMONIC_BTR: case ZYDIS_MNEMONIC_BTC: bit_test(); return true;
      case ZYDIS_MNEMONIC_POPCNT: {
        const u64 v = get(op(1));
        s_.flags &= ~kStatus;
        put(kZero, v == 0);
        set(op(0), static_cast<u64>(std::popcount(v)));
        return true;
      }
      case ZYDIS_MNEMONIC_BSF: case ZYDIS_MNEMONIC_BSR: {
        const u64 v = get(op(1));
        put(kZero, v == 0);
        s_.undefined |= kStatus & ~kZero;
        if (v == 0) return undefined_result_ = true;
        set(op(0), static_cast<u64>(is(ZYDIS_MNEMONIC_BSF) ? std::countr_zero(v) : 63 - std::countl_zero(v)));
        return true;
      }
      default: return false;
    }
  }
  /// The bit string begins at the operand and reaches as far as the offset says, in units of the operand's size.
  void bit_test() {
    const unsigned n = size(), bits = 8 * n;
    Operand word = op(0);
    const std::int64_t offset = op(1).kind == Operand::Kind::immediate ? static_cast<std::int64_t>(get(op(1)) % bits) : sign(get(op(1)), n);
    const std::int64_t inside = ((offset % bits) + bits) % bits;
    const u64 at = address(word) + static_cast<u64>((offset - inside) / 8);
    u64 v = 0;
    load(at, &v, n);
    const u64 bit = u64{1} << inside;
    put(kCarry, (v & bit) != 0);
    s_.undefined |= kStatus & ~(kCarry | kZero);
    if (is(ZYDIS_MNEMONIC_BT)) return;
    v = is(ZYDIS_MNEMONIC_BTS) ? v | bit : is(ZYDIS_MNEMONIC_BTR) ? v & ~bit : v ^ bit;
    store(at, &v, n);
  }

  std::optional<bool> condition(const char* name) const {  // the part behind set or cmov, as Zydis spells it
    const std::string c = name;
    const bool less = flag(kSign) != flag(kOverflow);
    if (c == "b") return flag(kCarry);
    if (c == "nb") return !flag(kCarry);
    if (c == "be") return flag(kCarry) || flag(kZero);
    if (c == "nbe") return !flag(kCarry) && !flag(kZero);
    if (c == "l") return less;
    if (c == "nl") return !less;
    if (c == "le") return less || flag(kZero);
    if (c == "nle") return !less && !flag(kZero);
    if (c == "o") return flag(kOverflow);
    if (c == "no") return !flag(kOverflow);
    if (c == "p") return flag(kParity);
    if (c == "np") return !flag(kParity);
    if (c == "s") return flag(kSign);
    if (c == "ns") return !flag(kSign);
    if (c == "z") return flag(kZero);
    if (c == "nz") return !flag(kZero);
    return std::nullopt;
  }
  bool conditions() {
    const std::string name = ZydisMnemonicGetString(i_.mnemonic);
    if (name.rfind("set", 0) == 0) {
      const auto yes = condition(name.c_str() + 3);
      if (yes) set(op(0), *yes ? 1 : 0);
      return yes.has_value();
    }
    if (name.rfind("cmov", 0) != 0) return false;
    const auto yes = condition(name.c_str() + 4);
    if (!yes) return false;
    const u64 v = get(op(1));  // memory is read in any case, and 32 bits clear the upper half in any case
    set(op(0), *yes ? v : get(op(0)));
    return true;
  }

  bool exchanges() {
    const unsigned n = i_.operands.empty() ? 0 : size();
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_XCHG: {
        const u64 a = get(op(0)), b = get(op(1));
        set(op(0), b);
        set(op(1), a);
        return true;
      }
      case ZYDIS_MNEMONIC_XADD: {
        const u64 a = get(op(0)), b = get(op(1)), sum = add(a, b, 0, n);
        set(op(1), a);
        set_at(op(0), sum);
        return true;
      }
      case ZYDIS_MNEMONIC_CMPXCHG: {
        const u64 a = get(op(0)), b = get(op(1));
        subtract(reg(kRax, n), a, 0, n);
        set(op(0), flag(kZero) ? b : a);
        if (!flag(kZero)) set_reg(kRax, n, a);
        return true;
      }
      case ZYDIS_MNEMONIC_CMPXCHG8B: case ZYDIS_MNEMONIC_CMPXCHG16B: compare_exchange_pair(n / 2); return true;
      default: return false;
    }
  }
  /// The memory operand whose address may contain a register that was just written: xadd has its address before.
  void set_at(const Operand& o, u64 v) { store(s_.accesses.front().address, &v, o.size); }
  void compare_exchange_pair(unsigned half) {
    u64 v[2] = {};
    std::uint8_t bytes[16];
    const u64 at = address(op(0));
    load(at, bytes, 2 * half);
    std::memcpy(&v[0], bytes, half);
    std::memcpy(&v[1], bytes + half, half);
    const bool equal = v[0] == reg(kRax, half) && v[1] == reg(kRdx, half);
    put(kZero, equal);
    const u64 low = equal ? reg(kRbx, half) : v[0], high = equal ? reg(kRcx, half) : v[1];
    std::memcpy(bytes, &low, half);
    std::memcpy(bytes + half, &high, half);
    store(at, bytes, 2 * half);
    if (equal) return;
    set_reg(kRax, half, v[0]);
    set_reg(kRdx, half, v[1]);
  }

  // --- general registers under VEX ----------------------------------------------------------------------------------------
  bool vex() {
    const unsigned n = i_.operands.empty() ? 0 : size(), bits = 8 * n;
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_ANDN: {
        const u64 v = ~get(op(1)) & get(op(2)) & mask(n);
        logic(v, n), s_.undefined |= kParity;
        set(op(0), v);
        return true;
      }
      case ZYDIS_MNEMONIC_SHLX: set(op(0), get(op(1)) << get(op(2)) % bits); return true;
      case ZYDIS_MNEMONIC_SHRX: set(op(0), get(op(1)) >> get(op(2)) % bits); return true;
      case ZYDIS_MNEMONIC_SARX: set(op(0), static_cast<u64>(sign(get(op(1)), n) >> get(op(2)) % bits)); return true;
      case ZYDIS_MNEMONIC_RORX: {
        const u64 v = get(op(1)), by = get(op(2), 1) % bits;
        set(op(0), by ? v >> by | v << (bits - by) : v);
        return true;
      }
      case ZYDIS_MNEMONIC_MULX: {
        const u128 v = u128{reg(kRdx, n)} * get(op(2));
        set(op(1), static_cast<u64>(v));
        set(op(0), static_cast<u64>(v >> bits));
        return true;
      }
      default: return false;
    }
  }

  bool stack() {
    if (is(ZYDIS_MNEMONIC_PUSH)) {
      const u64 v = get(op(0));
      s_.r[kRsp] -= 8;
      store(s_.r[kRsp], &v, 8);
      return true;
    }
    if (!is(ZYDIS_MNEMONIC_POP)) return false;
    u64 v = 0;
    load(s_.r[kRsp], &v, 8);
    s_.r[kRsp] += 8;
    set(op(0), v);
    return true;
  }

  // --- strings ------------------------------------------------------------------------------------------------------------
  Outcome strings() {
    if (!i_.repeated && !i_.until_equal) return element() ? Outcome::done : Outcome::unknown;
    while (s_.r[kRcx] != 0) {
      if (!element()) return Outcome::unknown;
      --s_.r[kRcx];
      if (compares_ && flag(kZero) == i_.until_equal) break;
    }
    return Outcome::done;
  }
  bool element() {
    const std::string name = ZydisMnemonicGetString(i_.mnemonic);
    const std::string kind = name.substr(0, 4);
    const unsigned n = i_.element;
    const u64 step = flag(kDirection) ? u64{0} - n : n;
    u64 a = 0, b = 0;
    if (kind == "movs") load(s_.r[kRsi], &a, n), store(s_.r[kRdi], &a, n);
    else if (kind == "stos") a = s_.r[kRax], store(s_.r[kRdi], &a, n);
    else if (kind == "lods") load(s_.r[kRsi], &a, n), set_reg(kRax, n, a);
    else if (kind == "scas") load(s_.r[kRdi], &b, n), subtract(reg(kRax, n), b, 0, n), compares_ = true;
    else if (kind == "cmps") load(s_.r[kRsi], &a, n), load(s_.r[kRdi], &b, n), subtract(a, b, 0, n), compares_ = true;
    else return false;
    if (kind == "movs" || kind == "lods" || kind == "cmps") s_.r[kRsi] += step;
    if (kind != "lods") s_.r[kRdi] += step;
    return true;
  }

  // --- vectors: moves and logic -------------------------------------------------------------------------------------------
  bool vectors() {
    if (i_.operands.size() != 2) return false;
    const bool to_memory = op(0).kind == Operand::Kind::memory;
    const Operand& mem = to_memory ? op(0) : op(1);
    std::uint8_t* x = s_.x[(to_memory ? op(1) : op(0)).number];
    std::uint8_t m[16] = {};
    switch (i_.mnemonic) {
      case ZYDIS_MNEMONIC_MOVAPS: case ZYDIS_MNEMONIC_MOVUPS: case ZYDIS_MNEMONIC_MOVAPD: case ZYDIS_MNEMONIC_MOVUPD:
      case ZYDIS_MNEMONIC_MOVDQA: case ZYDIS_MNEMONIC_MOVDQU: case ZYDIS_MNEMONIC_LDDQU: case ZYDIS_MNEMONIC_MOVNTDQ:
      case ZYDIS_MNEMONIC_MOVNTPS: case ZYDIS_MNEMONIC_MOVQ: case ZYDIS_MNEMONIC_MOVD: case ZYDIS_MNEMONIC_MOVSD:
      case ZYDIS_MNEMONIC_MOVSS:
        if (to_memory) return store(address(mem), x, mem.size), true;
        load(address(mem), m, mem.size);
        std::memcpy(x, m, 16);  // what a short load leaves out becomes zero
        return true;
      case ZYDIS_MNEMONIC_MOVLPS: case ZYDIS_MNEMONIC_MOVLPD: case ZYDIS_MNEMONIC_MOVHPS: case ZYDIS_MNEMONIC_MOVHPD: {
        const bool high = is(ZYDIS_MNEMONIC_MOVHPS) || is(ZYDIS_MNEMONIC_MOVHPD);
        std::uint8_t* half = x + (high ? 8 : 0);
        to_memory ? store(address(mem), half, 8) : load(address(mem), half, 8);
        return true;
      }
      case ZYDIS_MNEMONIC_PXOR: case ZYDIS_MNEMONIC_XORPS: case ZYDIS_MNEMONIC_POR: case ZYDIS_MNEMONIC_PAND: case ZYDIS_MNEMONIC_PANDN:
        load(address(mem), m, 16);
        for (int k = 0; k < 16; ++k)
          x[k] = static_cast<std::uint8_t>(is(ZYDIS_MNEMONIC_POR)     ? x[k] | m[k]
                                           : is(ZYDIS_MNEMONIC_PAND)  ? x[k] & m[k]
                                           : is(ZYDIS_MNEMONIC_PANDN) ? ~x[k] & m[k]
                                                                      : x[k] ^ m[k]);
        return true;
      case ZYDIS_MNEMONIC_PADDB: case ZYDIS_MNEMONIC_PCMPEQB:
        load(address(mem), m, 16);
        for (int k = 0; k < 16; ++k)
          x[k] = static_cast<std::uint8_t>(is(ZYDIS_MNEMONIC_PADDB) ? x[k] + m[k] : x[k] == m[k] ? 0xFF : 0);
        return true;
      default: return false;
    }
  }

  const Instruction& i_;
  State& s_;
  bool divide_error_ = false, compares_ = false;

 public:
  bool undefined_result_ = false;  // the manual leaves the destination open
};

}  // namespace drydock::plain
