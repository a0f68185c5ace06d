#include "loader/symbols/unwind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <csignal>

#include "abi/ms_abi.h"
#include "base/seeded.h"
#include "loader/image.h"
#include "loader/symbols/unwind_codes.h"
#include "loader/test_images/pe_editor.h"

// u64 step_into(function, a): calls function(a) in the Microsoft ABI with the processor's trap flag set, so that every
// instruction of it ends in SIGTRAP.
asm(R"(
  .text
  .globl loader_test_step_into
loader_test_step_into:
  push %rbp
  mov %rsp, %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  sub $72, %rsp
  mov %rdi, %rax
  mov %rsi, %rcx
  lea 1(%rsi), %rdx
  lea 2(%rsi), %r8
  lea 3(%rsi), %r9
  movq $4, 32(%rsp)
  movq $5, 40(%rsp)
  mov $0x1111, %rbx
  mov $0x2222, %rsi
  mov $0x3333, %rdi
  mov $0x4444, %r12
  mov $0x5555, %r13
  mov $0x6666, %r14
  mov $0x7777, %r15
  pushfq
  orq $0x100, (%rsp)
  popfq
  call *%rax
  pushfq
  andq $~0x100, (%rsp)
  popfq
  add $72, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");
extern "C" std::uint64_t loader_test_step_into(void* function, std::uint64_t a);

namespace drydock {
namespace {

using test::MiniPe;
using testing::HasSubstr;
using u64 = std::uint64_t;

class OneImage : public CodeMap {
 public:
  explicit OneImage(const Image& image) : image_(image) {}
  std::optional<CodeImage> image_at(u64 address) const override {
    if (!image_.contains(address)) return std::nullopt;
    return CodeImage{&image_.pe(), image_.base()};
  }

 private:
  const Image& image_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Built images: the walk from an export, and from every single instruction.

struct Walk {  // what the host call and the signal handler see; one test at a time
  const Image* image = nullptr;
  u64 stack_high = 0;
  DriverStack from_export;
  RegisterContext entry;  // at the first instruction in the image
  u64 steps = 0, wrong = 0;
  std::string first_wrong;
} walk;

MSABI u64 host_call(u64 value) {
  const RegisterContext context = context_at_call(__builtin_frame_address(0));
  const StackRange stack(context.rsp - 8, walk.stack_high);
  walk.from_export = walk_driver_frames(OneImage(*walk.image), context, RipKind::return_address, stack);
  return value;
}

MSABI u64 missing_import(const MissingImport&, void*) { return 0; }

u64 host_number = 1;

class Resolver : public ImportResolver {
 public:
  void* resolve(std::string_view, std::string_view name) override {
    if (name == "HostCall") return reinterpret_cast<void*>(&host_call);
    return name == "HostNumber" ? &host_number : nullptr;
  }
};

class WalkBuiltImage : public testing::TestWithParam<std::tuple<std::string, bool>> {
 protected:
  void SetUp() override {
    Seeded seeded(1);
    Resolver resolver;
    LoadOptions options{.seeded = seeded, .missing_import = &missing_import, .use_preferred_base = std::get<1>(GetParam()), .name = {}};
    auto loaded = Image::load(std::get<0>(GetParam()), options, resolver);
    ASSERT_TRUE(loaded) << loaded.error().message;
    image_.emplace(std::move(*loaded));
    walk = {};
    walk.image = &*image_;
    walk.stack_high = reinterpret_cast<u64>(__builtin_frame_address(0)) + 4096;
  }

  /// The function that holds an address, by its export.
  std::string function_of(u64 address) const {
    const auto entry = find_function(image_->pe(), static_cast<std::uint32_t>(address - image_->base() - 1));
    for (const auto& e : image_->pe().exports)
      if (entry && e.rva == entry->begin) return e.name;
    return "?";
  }

  std::vector<std::string> functions(const DriverStack& stack) const {
    std::vector<std::string> names;
    for (const auto& frame : stack.frames) names.push_back(function_of(frame.rip));
    return names;
  }

  std::optional<Image> image_;
};

INSTANTIATE_TEST_SUITE_P(All, WalkBuiltImage, testing::Combine(testing::ValuesIn(test::built_images()), testing::Bool()),
                         [](const auto& about) {
                           const std::string& path = std::get<0>(about.param);
                           const auto slash = path.find_last_of('/');
                           return path.substr(slash + 1, path.size() - slash - 5) + (std::get<1>(about.param) ? "_preferred" : "_moved");
                         });

TEST_P(WalkBuiltImage, an_export_sees_all_frames_up_to_the_host) {
  auto* outermost = reinterpret_cast<u64(MSABI*)(u64, u64, u64, u64, u64, u64)>(image_->find_export("Outermost"));
  outermost(1, 2, 3, 4, 5, 6);
  EXPECT_EQ(walk.from_export.stopped, "");
  EXPECT_THAT(functions(walk.from_export), testing::ElementsAre("Innermost", "WithDynamicStack", "WithLargeFrame", "Outermost"));
  EXPECT_FALSE(image_->contains(walk.from_export.border.rip));
  u64 below = 0;
  for (const auto& frame : walk.from_export.frames) {
    EXPECT_GT(frame.establisher_frame, below);
    below = frame.establisher_frame;
  }
}

TEST_P(WalkBuiltImage, recursion_shows_as_often_as_it_happened) {
  reinterpret_cast<u64(MSABI*)(u64)>(image_->find_export("Recurse"))(5);
  EXPECT_EQ(walk.from_export.stopped, "");
  EXPECT_THAT(functions(walk.from_export), testing::ElementsAreArray(std::vector<std::string>(6, "Recurse")));
}

TEST_P(WalkBuiltImage, a_stack_that_ends_early_stops_the_walk_and_says_why) {
  walk.stack_high = reinterpret_cast<u64>(__builtin_frame_address(0)) - 4096;
  reinterpret_cast<u64(MSABI*)(u64)>(image_->find_export("WithLargeFrame"))(1);
  EXPECT_THAT(walk.from_export.stopped, HasSubstr("outside the stack"));
}

RegisterContext context_of_signal(const ucontext_t& signal) {
  const auto& g = signal.uc_mcontext.gregs;
  const auto get = [&g](int index) { return static_cast<u64>(g[index]); };
  RegisterContext c;
  c.rip = get(REG_RIP), c.rsp = get(REG_RSP), c.rbp = get(REG_RBP), c.rbx = get(REG_RBX);
  c.rsi = get(REG_RSI), c.rdi = get(REG_RDI), c.r12 = get(REG_R12), c.r13 = get(REG_R13);
  c.r14 = get(REG_R14), c.r15 = get(REG_R15);
  for (std::size_t i = 0; i < 16; ++i) std::memcpy(&c.xmm[i], &signal.uc_mcontext.fpregs->_xmm[i], 16);
  return c;
}

bool same_kept_registers(const RegisterContext& a, const RegisterContext& b) {
  for (std::size_t i = 6; i < 16; ++i)
    if (std::memcmp(a.xmm[i].bytes, b.xmm[i].bytes, 16) != 0) return false;
  return a.rbx == b.rbx && a.rbp == b.rbp && a.rsi == b.rsi && a.rdi == b.rdi && a.r12 == b.r12 && a.r13 == b.r13 &&
         a.r14 == b.r14 && a.r15 == b.r15;
}

/// At every instruction of the image the walk must lead to the caller's registers as they were at entry.
void check_step(int, siginfo_t*, void* signal) {
  const RegisterContext now = context_of_signal(*static_cast<ucontext_t*>(signal));
  if (!walk.image->contains(now.rip)) return;
  if (walk.steps++ == 0) walk.entry = now;
  const StackRange stack(now.rsp, walk.stack_high);
  const DriverStack found = walk_driver_frames(OneImage(*walk.image), now, RipKind::exact, stack);
  const u64 return_address = *reinterpret_cast<const u64*>(walk.entry.rsp);
  const bool right = found.stopped.empty() && found.border.rip == return_address && found.border.rsp == walk.entry.rsp + 8 &&
                     same_kept_registers(found.border, walk.entry);
  if (right || walk.wrong++ != 0) return;
  walk.first_wrong = fmt::format("{}: {} frames, {}", walk.image->name_of(now.rip), found.frames.size(), found.stopped);
}

TEST_P(WalkBuiltImage, from_every_instruction_the_walk_finds_the_callers_registers) {
  struct sigaction action {}, before {};
  action.sa_sigaction = &check_step;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(::sigaction(SIGTRAP, &action, &before), 0);
  for (const char* name : {"Outermost", "Recurse", "Apply", "Add", "WithDynamicStack"}) {
    walk.steps = 0;
    loader_test_step_into(image_->find_export(name), 3);
    EXPECT_GT(walk.steps, 1u) << name;
  }
  ::sigaction(SIGTRAP, &before, nullptr);
  EXPECT_EQ(walk.wrong, 0u) << walk.first_wrong;
}

// ---------------------------------------------------------------------------------------------------------------------
// Hand-made tables, for what compilers rarely emit. The function is [0x1000, 0x1100), its unwind information at 0x1400.

constexpr u64 kBase = 0x2'0000'0000;
constexpr std::uint32_t kFunction = 0x1000, kFunctionEnd = 0x1100, kUnwind = 0x1400;

std::uint8_t code(pe::UnwindOperation operation, unsigned info = 0) {
  return static_cast<std::uint8_t>(operation | info << 4);
}

u64 half(const Xmm& xmm, std::size_t which) {
  u64 value;
  std::memcpy(&value, xmm.bytes + which * 8, sizeof value);
  return value;
}

class HandMade : public testing::Test {
 protected:
  HandMade() {
    mini_.directory(pe::kExceptionDirectory, 0x1200, sizeof(pe::RuntimeFunction));
    mini_.put(0x1200, pe::RuntimeFunction{kFunction, kFunctionEnd, kUnwind});
    for (u64 i = 0; i < stack_.size(); ++i) stack_[i] = 0xA000 + i;
    context_.rsp = low();
    context_.rip = kBase + kFunction + 0x80;
  }
  u64 low() const { return reinterpret_cast<u64>(stack_.data()); }

  /// version | flags, prologue size, number of slots, frame register; then the codes.
  void unwind_info(const std::vector<std::uint8_t>& bytes, std::uint32_t rva = kUnwind) { mini_.put_bytes(rva, bytes); }

  Result<UnwindStep> step(RipKind kind = RipKind::exact) {
    const auto pe = PeImage::parse(mini_.bytes());
    EXPECT_TRUE(pe) << pe.error().message;
    return virtual_unwind(*pe, kBase, context_, kind, StackRange(low(), low() + sizeof stack_));
  }

  MiniPe mini_;
  RegisterContext context_;
  alignas(16) std::array<u64, 64> stack_{};
};

TEST_F(HandMade, a_function_without_a_row_is_a_leaf) {
  context_.rip = kBase + 0x1180;
  const auto left = step();
  ASSERT_TRUE(left);
  EXPECT_FALSE(left->function);
  EXPECT_EQ(context_.rip, 0xA000u);
  EXPECT_EQ(context_.rsp, low() + 8);
}

TEST_F(HandMade, pushes_and_allocations_are_undone_in_the_body) {
  unwind_info({1, 8, 3, 0, 8, code(pe::kAllocSmall, 1), 4, code(pe::kPushNonvolatile, 15), 2, code(pe::kPushNonvolatile, 3)});
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.r15, 0xA002u);
  EXPECT_EQ(context_.rbx, 0xA003u);
  EXPECT_EQ(context_.rip, 0xA004u);
  EXPECT_EQ(context_.rsp, low() + 5 * 8);
}

TEST_F(HandMade, in_the_prologue_only_what_has_run_is_undone) {
  unwind_info({1, 8, 3, 0, 8, code(pe::kAllocSmall, 1), 4, code(pe::kPushNonvolatile, 15), 2, code(pe::kPushNonvolatile, 3)});
  context_.rip = kBase + kFunction + 5;
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.r15, 0xA000u);
  EXPECT_EQ(context_.rbx, 0xA001u);
  EXPECT_EQ(context_.rip, 0xA002u);
}

TEST_F(HandMade, a_return_address_behind_the_last_instruction_belongs_to_the_call) {
  unwind_info({1, 4, 1, 0, 4, code(pe::kAllocSmall, 3)});
  context_.rip = kBase + kFunctionEnd;
  const auto left = step(RipKind::return_address);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->function);
  EXPECT_EQ(context_.rip, 0xA004u);
}

TEST_F(HandMade, large_allocations_in_both_sizes) {
  unwind_info({1, 4, 2, 0, 4, code(pe::kAllocLarge, 0), 20, 0});
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.rip, 0xA000u + 20);
  context_.rsp = low();
  context_.rip = kBase + kFunction + 0x80;
  unwind_info({1, 4, 3, 0, 4, code(pe::kAllocLarge, 1), 0x80, 0, 0, 0});
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.rip, 0xA000u + 16);
}

TEST_F(HandMade, registers_saved_by_mov_near_and_far_and_vectors) {
  unwind_info({1, 32, 12, 0, 32, code(pe::kSaveXmmFar, 7), 0x40, 0, 0, 0, 24, code(pe::kSaveXmm, 6), 2, 0,
               16, code(pe::kSaveNonvolatileFar, 12), 0x18, 0, 0, 0, 12, code(pe::kSaveNonvolatile, 6), 2, 0,
               4, code(pe::kAllocLarge, 0), 10, 0});
  ASSERT_TRUE(step());
  EXPECT_EQ(half(context_.xmm[7], 0), 0xA008u);
  EXPECT_EQ(half(context_.xmm[7], 1), 0xA009u);
  EXPECT_EQ(half(context_.xmm[6], 0), 0xA004u);
  EXPECT_EQ(context_.r12, 0xA003u);
  EXPECT_EQ(context_.rsi, 0xA002u);
  EXPECT_EQ(context_.rip, 0xA00Au);
}

TEST_F(HandMade, a_frame_register_finds_the_frame_whatever_rsp_became) {
  unwind_info({1, 12, 3, 0x25, 12, code(pe::kSetFrameRegister), 8, code(pe::kAllocSmall, 7), 2, code(pe::kPushNonvolatile, 5)});
  context_.rbp = low() + 16 * 8 + 0x20;  // base of the fixed part + 2 * 16
  const auto left = step();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->establisher_frame, low() + 16 * 8);
  EXPECT_EQ(context_.rbp, 0xA000u + 16 + 8);
  EXPECT_EQ(context_.rip, 0xA000u + 16 + 9);
}

TEST_F(HandMade, before_the_frame_register_is_set_rsp_is_the_frame) {
  unwind_info({1, 12, 3, 0x25, 12, code(pe::kSetFrameRegister), 8, code(pe::kAllocSmall, 7), 2, code(pe::kPushNonvolatile, 5)});
  context_.rip = kBase + kFunction + 9;
  context_.rbp = 0x666;
  const auto left = step();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->establisher_frame, low());
  EXPECT_EQ(context_.rip, 0xA009u);
}

TEST_F(HandMade, chained_information_is_undone_to_the_end_and_the_handler_is_the_last_ones) {
  unwind_info({1 | pe::kChained << 3, 4, 1, 0, 4, code(pe::kPushNonvolatile, 6), 0, 0});
  mini_.put(kUnwind + 8, pe::RuntimeFunction{0x1300, 0x1380, 0x1500});
  unwind_info({1 | pe::kExceptionHandler << 3, 0x40, 1, 0, 0x40, code(pe::kAllocSmall, 0), 0, 0}, 0x1500);
  mini_.put<std::uint32_t>(0x1508, 0x1700);
  const auto left = step();
  ASSERT_TRUE(left);
  EXPECT_EQ(context_.rsi, 0xA000u);
  EXPECT_EQ(context_.rip, 0xA002u);
  EXPECT_EQ(left->handler_rva, 0x1700u);
  EXPECT_EQ(left->handler_data_rva, 0x150Cu);
  EXPECT_TRUE(left->handles_exceptions);
  EXPECT_FALSE(left->handles_unwind);
}

TEST_F(HandMade, a_handler_applies_in_the_body_only) {
  unwind_info({1 | (pe::kExceptionHandler | pe::kUnwindHandler) << 3, 4, 1, 0, 4, code(pe::kAllocSmall, 0), 0, 0});
  mini_.put<std::uint32_t>(kUnwind + 8, 0x1700);
  mini_.put_bytes(0x10F0, {0x48, 0x83, 0xC4, 0x08, 0xC3});  // add rsp, 8; ret
  const RegisterContext start = context_;
  for (const auto& [rva, handler] : {std::pair{0x1080u, 0x1700u}, std::pair{0x1002u, 0u}, std::pair{0x10F0u, 0u}, std::pair{0x10F4u, 0u}}) {
    context_ = start;
    context_.rip = kBase + rva;
    const auto left = step();
    ASSERT_TRUE(left);
    EXPECT_EQ(left->handler_rva, handler) << rva;
  }
}

TEST_F(HandMade, a_machine_frame_leads_to_the_interrupted_instruction) {
  for (const unsigned error_code : {0u, 1u}) {
    unwind_info({1, 0, 1, 0, 0, code(pe::kPushMachineFrame, error_code)});
    context_.rsp = low();
    context_.rip = kBase + kFunction + 0x80;
    const auto left = step();
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->machine_frame);
    EXPECT_EQ(context_.rip, 0xA000u + error_code);
    EXPECT_EQ(context_.rsp, 0xA003u + error_code);
  }
}

TEST_F(HandMade, version_2_describes_epilogues_too_and_nothing_changes) {
  unwind_info({2, 4, 3, 0, 5, code(pe::kEpilogue, 1), 0x20, code(pe::kEpilogue), 4, code(pe::kAllocSmall, 3)});
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.rip, 0xA004u);
}

struct EpilogueCase {
  const char* name;
  std::vector<std::uint8_t> code;
  bool is_epilogue;
};

// In an epilogue what is left of it is carried out: here one pop (rdi = A000) and the return (rip = A001). Taken for body
// the whole frame of 0x20 bytes would be undone (rip = A004).
TEST_F(HandMade, epilogues_are_told_from_bodies) {
  unwind_info({1, 4, 1, 0, 4, code(pe::kAllocSmall, 3)});
  mini_.directory(pe::kExceptionDirectory, 0x1200, 3 * sizeof(pe::RuntimeFunction));
  mini_.put(0x120C, pe::RuntimeFunction{0x1100, 0x1180, 0x1480}).put(0x1218, pe::RuntimeFunction{0x1180, 0x1190, 0x14C0});
  unwind_info({1, 4, 1, 0, 4, code(pe::kAllocSmall, 3)}, 0x1480);   // a function of its own
  unwind_info({1, 0, 1, 0, 0, code(pe::kAllocSmall, 3)}, 0x14C0);   // the moved-away part of another
  const EpilogueCase cases[] = {
      {"pop, ret", {0x5F, 0xC3}, true},
      {"pop, ret n", {0x5F, 0xC2, 8, 0}, true},
      {"pop, rep ret", {0x5F, 0xF3, 0xC3}, true},
      {"pop, jump to another function", {0x5F, 0xE9, 0x7A, 0, 0, 0}, true},           // 0x1086 + 0x7A
      {"pop, short jump to another function", {0x5F, 0xEB, 0x7D}, true},              // 0x1083 + 0x7D
      {"pop, jump to our beginning", {0x5F, 0xE9, 0x7A, 0xFF, 0xFF, 0xFF}, true},
      {"pop, jump through an import", {0x5F, 0x48, 0xFF, 0x25, 0, 0, 0, 0}, true},
      {"pop, jump to a register", {0x5F, 0x48, 0xFF, 0xE0}, true},
      {"pop, jump inside the function", {0x5F, 0xEB, 0x10}, false},
      {"pop, jump into the middle of another", {0x5F, 0xE9, 0x8A, 0, 0, 0}, false},
      {"pop, jump to a moved-away part", {0x5F, 0xE9, 0xFA, 0, 0, 0}, false},         // 0x1086 + 0xFA
      {"pop, switch", {0x5F, 0xFF, 0xE0}, false},
      {"pop, something", {0x5F, 0x90, 0xC3}, false},
  };
  const RegisterContext start = context_;
  for (const auto& one : cases) {
    context_ = start;
    mini_.put_bytes(kFunction + 0x80, {0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC}).put_bytes(kFunction + 0x80, one.code);
    ASSERT_TRUE(step()) << one.name;
    EXPECT_EQ(context_.rip, one.is_epilogue ? 0xA001u : 0xA004u) << one.name;
    EXPECT_EQ(context_.rdi, one.is_epilogue ? 0xA000u : 0u) << one.name;
  }
}

TEST_F(HandMade, an_epilogue_may_free_the_frame_by_its_register) {
  unwind_info({1, 12, 3, 0x25, 12, code(pe::kSetFrameRegister), 8, code(pe::kAllocSmall, 7), 2, code(pe::kPushNonvolatile, 5)});
  context_.rbp = low() + 80;
  mini_.put_bytes(kFunction + 0x80, {0x48, 0x8D, 0x65, 0x10, 0x5D, 0xC3});  // lea rsp, 16[rbp]; pop rbp; ret
  ASSERT_TRUE(step());
  EXPECT_EQ(context_.rbp, 0xA000u + 12);
  EXPECT_EQ(context_.rip, 0xA000u + 13);
}

TEST_F(HandMade, a_chain_that_bites_its_tail_is_refused) {
  unwind_info({1 | pe::kChained << 3, 0, 0, 0});
  mini_.put(kUnwind + 4, pe::RuntimeFunction{kFunction, kFunctionEnd, kUnwind});
  const RegisterContext before = context_;
  const auto left = step();
  ASSERT_FALSE(left);
  EXPECT_THAT(left.error().message, HasSubstr("chained more than"));
  EXPECT_EQ(context_.rip, before.rip);
  EXPECT_EQ(context_.rsp, before.rsp);
}

TEST_F(HandMade, damaged_information_is_refused) {
  const std::vector<std::vector<std::uint8_t>> damaged = {
      {3, 0, 0, 0},                                                    // version
      {1, 4, 1, 0, 4, code(pe::kAllocLarge, 0)},                       // operand missing
      {1, 4, 1, 0, 4, code(pe::kAllocLarge, 2)},                       // no such size
      {1, 4, 1, 0, 4, code(static_cast<pe::UnwindOperation>(11))},     // no such operation
      {1, 4, 1, 0, 4, code(pe::kSetFrameRegister)},                    // which register?
      {1, 4, 3, 0, 4, code(pe::kAllocLarge, 1), 0, 0, 0, 0x7F},        // far beyond the stack
  };
  for (const auto& bytes : damaged) {
    unwind_info(bytes);
    EXPECT_FALSE(step()) << static_cast<int>(bytes[0]) << " " << (bytes.size() > 5 ? static_cast<int>(bytes[5]) : -1);
  }
  mini_.put(0x1200, pe::RuntimeFunction{kFunction, kFunctionEnd, 0xFFFFFFF0});
  EXPECT_FALSE(step());
}

// ---------------------------------------------------------------------------------------------------------------------

class RandomStack : public StackReader {
 public:
  RandomStack(u64 base, std::uint32_t size, Seeded& seeded) : base_(base), size_(size), seeded_(seeded) {}
  std::optional<u64> read(u64) const override {
    if (seeded_.below(16) == 0) return std::nullopt;
    return seeded_.below(2) ? base_ + seeded_.below(size_ + 64) : seeded_.next();
  }

 private:
  u64 base_;
  std::uint32_t size_;
  Seeded& seeded_;
};

class ParsedImage : public CodeMap {
 public:
  explicit ParsedImage(const PeImage& pe) : pe_(pe) {}
  std::optional<CodeImage> image_at(u64 address) const override {
    if (address - pe_.preferred_base >= pe_.size) return std::nullopt;
    return CodeImage{&pe_, pe_.preferred_base};
  }

 private:
  const PeImage& pe_;
};

TEST(TrapFrames, every_register_arrives_under_its_own_name) {
  alignas(64) static std::byte room[16384];
  ASSERT_LE(trap_frame_size(), sizeof room);
  auto* frame = reinterpret_cast<TrapFrame*>(room);
  long long registers[kGprCount];
  for (std::size_t i = 0; i < kGprCount; ++i) registers[i] = static_cast<long long>(0x100 + i);
  fill_trap_frame(frame, registers, nullptr);
  Xmm six{};
  six.bytes[0] = 0x66;
  frame->set_xmm(6, six);
  const RegisterContext context = context_of(*frame);
  EXPECT_EQ(context.rax, 0x100u + REG_RAX);
  EXPECT_EQ(context.rbx, 0x100u + REG_RBX);
  EXPECT_EQ(context.rsp, 0x100u + REG_RSP);
  EXPECT_EQ(context.rbp, 0x100u + REG_RBP);
  EXPECT_EQ(context.rsi, 0x100u + REG_RSI);
  EXPECT_EQ(context.rdi, 0x100u + REG_RDI);
  EXPECT_EQ(context.r8, 0x100u + REG_R8);
  EXPECT_EQ(context.r15, 0x100u + REG_R15);
  EXPECT_EQ(context.rip, 0x100u + REG_RIP);
  EXPECT_EQ(half(context.xmm[6], 0), 0x66u);
}

/// Nothing in tables, code, registers or stack may crash a walk or keep it from ending. Run under ASan too.
TEST(DamagedTables, any_walk_ends) {
  Seeded seeded(0xBAD);
  std::size_t frames = 0, walks = 0;
  for (const auto& path : test::built_images()) {
    const auto good = test::read_image(path);
    const auto sound = PeImage::parse(good);
    ASSERT_TRUE(sound);
    for (int round = 0; round < 3000; ++round) {
      auto bytes = good;
      for (auto flips = 1 + seeded.below(40); flips > 0; --flips) {
        const auto& section = sound->sections[seeded.below(sound->sections.size())];
        if (section.file_size) bytes[section.file_offset + seeded.below(section.file_size)] = static_cast<std::byte>(seeded.next());
      }
      const auto pe = PeImage::parse(bytes);
      if (!pe) continue;
      RegisterContext context;
      for (unsigned i = 0; i < 16; ++i) context.general(i) = seeded.next();
      context.rip = pe->preferred_base + seeded.below(pe->size);
      const auto found = walk_driver_frames(ParsedImage(*pe), context, seeded.below(2) ? RipKind::exact : RipKind::return_address,
                                            RandomStack(pe->preferred_base, pe->size, seeded));
      EXPECT_LE(found.frames.size(), kDriverFramesMax);
      frames += found.frames.size();
      ++walks;
    }
  }
  EXPECT_GT(walks, 1000u);
  EXPECT_GT(frames, walks);
}

}  // namespace
}  // namespace drydock
