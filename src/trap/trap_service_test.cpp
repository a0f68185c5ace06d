#include "trap/trap_service.h"

#include <gtest/gtest.h>

#include "abi/register_bank_for_tests.h"
#include "trap/trapped_memory_for_tests.h"

namespace drydock {
namespace {

using Access = TrappedMemory::Access;

class TrapServiceTest : public ::testing::Test {
 protected:
  /// Runs the bytes (a ret is added) with these registers; the registers afterwards.
  RegisterBank run(std::initializer_list<int> bytes, std::map<Gpr, std::uint64_t> registers) {
    std::vector<int> with_ret(bytes);
    with_ret.push_back(0xC3);
    const void* code = world_.code.add_bytes(with_ret);
    RegisterBank in{}, out{};
    in.flags = kFlagsAlwaysSet;
    in.mxcsr = 0x1F80;
    in.x87_control = 0x37F;
    for (const auto& [reg, value] : registers) in[reg] = value;
    run_on(world_.machine, world_.fiber, [&] {
      const auto entered = enter_driver(world_.fiber, EntryKind::routine, &drydock_run_with_registers,
                                        const_cast<const RegisterBank*>(&in), &out, code);
      aborted_ = entered.aborted ? entered.reason : AbortReason::none;
    });
    return out;
  }
  std::uint64_t here() const { return world_.memory.address(); }
  template <class T>
  T stored(std::size_t offset) {
    T value;
    std::memcpy(&value, world_.memory.alias() + offset, sizeof value);
    return value;
  }
  template <class T>
  void store(std::size_t offset, T value) { std::memcpy(world_.memory.alias() + offset, &value, sizeof value); }

  TrapWorld world_;
  AbortReason aborted_ = AbortReason::none;
};

// --- accesses -----------------------------------------------------------------------------------------------------------

TEST_F(TrapServiceTest, a_register_is_read_and_written_in_the_width_of_the_instruction_and_as_often_as_it_says) {
  store<std::uint32_t>(0x20, 0xCAFE0001);
  EXPECT_EQ(run({0x8B, 0x43, 0x20}, {{Gpr::rbx, here()}})[Gpr::rax], 0xCAFE0001u);  // mov eax,[rbx+20h]
  run({0x66, 0x89, 0x4B, 0x20}, {{Gpr::rbx, here()}, {Gpr::rcx, 0x5555AAAA}});       // mov [rbx+20h],cx
  run({0xF0, 0x83, 0x4B, 0x20, 0x40}, {{Gpr::rbx, here()}});                         // lock or dword [rbx+20h],40h
  EXPECT_EQ(stored<std::uint32_t>(0x20), 0xCAFEAAEAu);
  EXPECT_EQ(world_.memory.accesses,
            (std::vector<Access>{{0x20, 4, false}, {0x20, 2, true}, {0x20, 4, false}, {0x20, 4, true}}));
  EXPECT_EQ(world_.outcome.region, RegionKind::mmio);
}

TEST_F(TrapServiceTest, rip_relative_absolute_and_gs_relative_addresses_are_found) {
  store<std::uint64_t>(8, 77);
  // mov rax,[moffs64]
  const std::uint64_t at = here() + 8;
  std::vector<int> bytes = {0x48, 0xA1};
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<int>(at >> 8 * i & 0xFF));
  const void* code = world_.code.add_bytes([&] { bytes.push_back(0xC3); return bytes; }());
  RegisterBank in{}, out{};
  in.flags = kFlagsAlwaysSet, in.mxcsr = 0x1F80, in.x87_control = 0x37F;
  run_on(world_.machine, world_.fiber, [&] {
    enter_driver(world_.fiber, EntryKind::routine, &drydock_run_with_registers, const_cast<const RegisterBank*>(&in), &out, code);
  });
  EXPECT_EQ(out[Gpr::rax], 77u);
  set_gs_base(reinterpret_cast<const void*>(here()));
  EXPECT_EQ(run({0x65, 0x48, 0x8B, 0x04, 0x25, 0x08, 0, 0, 0}, {})[Gpr::rax], 77u);  // mov rax,gs:[8]
  set_gs_base(nullptr);
}

TEST_F(TrapServiceTest, push_pop_call_and_jmp_through_trapped_memory) {
  // push [rbx]; pop rax; push rcx; pop [rbx+8]
  store<std::uint64_t>(0, 0x1122334455667788);
  const RegisterBank out = run({0xFF, 0x33, 0x58, 0x51, 0x8F, 0x43, 0x08}, {{Gpr::rbx, here()}, {Gpr::rcx, 99}});
  EXPECT_EQ(out[Gpr::rax], 0x1122334455667788u);
  EXPECT_EQ(stored<std::uint64_t>(8), 99u);
  // mov eax,5; ret
  store<std::uint64_t>(16, reinterpret_cast<std::uintptr_t>(world_.code.add({0xB8, 5, 0, 0, 0, 0xC3})));
  EXPECT_EQ(run({0xFF, 0x53, 0x10}, {{Gpr::rbx, here()}})[Gpr::rax], 5u);               // call [rbx+16]; ret
  EXPECT_EQ(run({0xFF, 0x63, 0x10, 0xCC}, {{Gpr::rbx, here()}})[Gpr::rax], 5u);         // jmp [rbx+16]
  EXPECT_EQ(aborted_, AbortReason::none);
}

TEST_F(TrapServiceTest, an_access_across_the_edge_of_a_region_is_split) {
  world_.regions.regions = {{RegionKind::mmio, here(), here() + 6, &world_.memory},
                            {RegionKind::forbidden, here() + 6, here() + 4096, &world_.memory}};
  store<std::uint32_t>(4, 0x44332211);
  EXPECT_EQ(run({0x8B, 0x43, 0x04}, {{Gpr::rbx, here()}})[Gpr::rax], 0x44332211u);
  EXPECT_EQ(world_.memory.accesses, (std::vector<Access>{{4, 1, false}, {5, 1, false}, {6, 1, false}, {7, 1, false}}));
}

// --- what is nobody's ---------------------------------------------------------------------------------------------------

TEST_F(TrapServiceTest, an_access_to_nobodys_memory_is_wild_and_never_taken_for_a_register) {
  run({0x88, 0x03}, {{Gpr::rbx, 0x1000}});  // mov [rbx],al
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, 0x1000u);
  EXPECT_EQ(world_.outcome.size, 1u);
  EXPECT_TRUE(world_.outcome.write);
  EXPECT_EQ(world_.outcome.reason, "a write to 0x1000, which belongs to nobody");
  EXPECT_TRUE(world_.memory.accesses.empty());
}

TEST_F(TrapServiceTest, a_region_without_a_port_is_wild_with_its_kind) {
  world_.regions.regions = {{RegionKind::guard, here(), here() + 4096, nullptr}};
  run({0x8B, 0x03}, {{Gpr::rbx, here()}});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.region, RegionKind::guard);
}

TEST_F(TrapServiceTest, a_copy_from_a_register_to_nobody_blames_the_target) {
  run({0xA5}, {{Gpr::rsi, here()}, {Gpr::rdi, 0x2000}});  // movsd
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, 0x2000u);
}

TEST_F(TrapServiceTest, a_copy_is_a_read_where_its_source_is_nobodys_and_a_write_where_its_target_is) {
  PagesForTests plain(1, PROT_READ | PROT_WRITE);
  run({0xA4}, {{Gpr::rsi, 0x2000}, {Gpr::rdi, plain.address()}});  // movsb
  EXPECT_EQ(world_.outcome.reason, "a read of 0x2000, which belongs to nobody");
  EXPECT_FALSE(world_.outcome.write);
  run({0xA4}, {{Gpr::rsi, plain.address()}, {Gpr::rdi, 0x2000}});
  EXPECT_EQ(world_.outcome.reason, "a write to 0x2000, which belongs to nobody");
  run({0xA4}, {{Gpr::rsi, 0x2000}, {Gpr::rdi, here()}});
  EXPECT_EQ(world_.outcome.reason, "a read of 0x2000, which belongs to nobody");
  run({0xA4}, {{Gpr::rsi, here()}, {Gpr::rdi, 0x2000}});
  EXPECT_EQ(world_.outcome.reason, "a write to 0x2000, which belongs to nobody");
}

TEST_F(TrapServiceTest, a_non_canonical_address_is_wild_with_its_address) {
  run({0x8B, 0x03}, {{Gpr::rbx, 0x8000000000001000}});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, 0x8000000000001000u);
}

TEST_F(TrapServiceTest, a_jump_to_nowhere_is_wild) {
  run({0xFF, 0xD3}, {{Gpr::rbx, 0x10}});  // call rbx
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, 0x10u);
  EXPECT_EQ(world_.outcome.reason, "a jump to 0x10, which is not code");
}

TEST_F(TrapServiceTest, a_misaligned_sse_access_is_told_apart) {
  PagesForTests plain(1, PROT_READ | PROT_WRITE);
  run({0x0F, 0x28, 0x03}, {{Gpr::rbx, plain.address() + 4}});  // movaps xmm0,[rbx]
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::misaligned);
  EXPECT_EQ(world_.outcome.address, plain.address() + 4);
}

// --- refused, with a reason ---------------------------------------------------------------------------------------------

TEST_F(TrapServiceTest, what_cannot_be_emulated_is_refused_by_name) {
  struct Refusal {
    std::initializer_list<int> code;
    const char* reason;
  };
  const Refusal refusals[] = {
      {{0x48, 0x8B, 0x23}, "mov changes rsp"},
      {{0x48, 0x87, 0x23}, "xchg changes rsp"},
      {{0xC5, 0xFE, 0x6F, 0x03}, "vmovdqu is an AVX form, which drydock does not complete on memory of this kind"},
      {{0xD9, 0x03}, "fld uses st0"},
      {{0x0F, 0xAE, 0x03}, "fxsave accesses 512 bytes at once"},
      {{0x8E, 0x1B}, "mov uses ds"},
  };
  for (const Refusal& refusal : refusals) {
    run(refusal.code, {{Gpr::rbx, here()}});
    EXPECT_EQ(world_.outcome.verdict, TrapVerdict::unsupported) << refusal.reason;
    EXPECT_EQ(world_.outcome.reason, refusal.reason);
    EXPECT_EQ(world_.outcome.region, RegionKind::mmio);
  }
  EXPECT_TRUE(world_.memory.accesses.empty());
}

TEST_F(TrapServiceTest, string_instructions_with_short_or_segmented_addresses_are_refused_not_misread) {
  run({0x65, 0x48, 0xAD}, {{Gpr::rsi, here()}});  // lodsq gs:[rsi]
  EXPECT_EQ(world_.outcome.reason, "lodsq goes through gs");
  run({0x67, 0x6E}, {{Gpr::rsi, 0x10}, {Gpr::rdx, 0x1F0}});  // outsb dx,[esi]
  EXPECT_EQ(world_.outcome.reason, "outsb has 32-bit addresses");
  EXPECT_TRUE(world_.memory.accesses.empty());
}

TEST_F(TrapServiceTest, a_division_by_what_a_register_holds_is_done_or_is_a_divide_error) {
  store<std::uint32_t>(0, 10);
  const RegisterBank out = run({0xF7, 0x33}, {{Gpr::rbx, here()}, {Gpr::rax, 1234}});  // div dword [rbx]
  EXPECT_EQ(out[Gpr::rax], 123u);
  EXPECT_EQ(out[Gpr::rdx], 4u);
  store<std::uint32_t>(0, 0);
  run({0xF7, 0x33}, {{Gpr::rbx, here()}, {Gpr::rax, 1234}});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::divide_error);
  EXPECT_EQ(world_.outcome.reason, "an integer division that has no result");
  store<std::uint64_t>(0, ~0ull);
  run({0x48, 0xF7, 0x3B}, {{Gpr::rbx, here()}, {Gpr::rax, 0}, {Gpr::rdx, 1ull << 63}});  // idiv qword [rbx]: -2^127 by -1
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::divide_error);
}

TEST_F(TrapServiceTest, the_stack_pointer_may_be_stored_and_compared) {
  const RegisterBank out = run({0x48, 0x89, 0x23, 0x48, 0x3B, 0x23, 0x0F, 0x94, 0xC0, 0x40, 0x88, 0x63, 0x10},
                               {{Gpr::rbx, here()}, {Gpr::rax, 0}});  // mov [rbx],rsp; cmp rsp,[rbx]; sete al; mov [rbx+16],spl
  EXPECT_EQ(out[Gpr::rax], 1u);
  EXPECT_NE(stored<std::uint64_t>(0), 0u);
  EXPECT_EQ(stored<std::uint8_t>(16), stored<std::uint8_t>(0));
}

TEST_F(TrapServiceTest, ud2_and_division_by_zero_have_verdicts_of_their_own) {
  run({0x0F, 0x0B}, {});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::illegal);
  run({0xF7, 0xF1}, {{Gpr::rcx, 0}});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::divide_error);
}

// --- privileged instructions --------------------------------------------------------------------------------------------

TEST_F(TrapServiceTest, cr8_is_the_machines) {
  world_.privileged.cr8 = 2;
  // mov rax,cr8; mov cr8,rcx
  const RegisterBank out = run({0x44, 0x0F, 0x20, 0xC0, 0x44, 0x0F, 0x22, 0xC1}, {{Gpr::rax, ~0ull}, {Gpr::rcx, 13}});
  EXPECT_EQ(out[Gpr::rax], 2u);
  EXPECT_EQ(world_.privileged.cr8, 13u);
}

TEST_F(TrapServiceTest, ports_are_read_and_written_in_all_widths) {
  world_.privileged.input = {0x44332211, 0x6655, 0x99};
  // in al,60h; in ax,dx; in eax,dx
  EXPECT_EQ(run({0xE4, 0x60}, {{Gpr::rax, 0xFFFFFFFFFFFFFFFF}})[Gpr::rax], 0xFFFFFFFFFFFFFF99u);
  EXPECT_EQ(run({0x66, 0xED}, {{Gpr::rax, 0xFFFFFFFFFFFFFFFF}, {Gpr::rdx, 0xC010}})[Gpr::rax], 0xFFFFFFFFFFFF6655u);
  EXPECT_EQ(run({0xED}, {{Gpr::rax, 0xFFFFFFFFFFFFFFFF}, {Gpr::rdx, 0xC010}})[Gpr::rax], 0x44332211u);
  run({0xE6, 0x80, 0x66, 0xEF, 0xEF}, {{Gpr::rax, 0x0A0B0C0D}, {Gpr::rdx, 0x3F6}});  // out 80h,al; out dx,ax; out dx,eax
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"in1 60", "in2 c010", "in4 c010", "out1 80 d", "out2 3f6 c0d", "out4 3f6 a0b0c0d"}));
}

TEST_F(TrapServiceTest, port_strings_move_between_port_and_memory_of_either_kind) {
  PagesForTests plain(1, PROT_READ | PROT_WRITE);
  world_.privileged.input = {0x33, 0x22, 0x11};
  const RegisterBank in = run({0xF3, 0x66, 0x6D}, {{Gpr::rdi, plain.address()}, {Gpr::rcx, 3}, {Gpr::rdx, 0x1F0}});  // rep insw
  EXPECT_EQ(in[Gpr::rcx], 0u);
  EXPECT_EQ(in[Gpr::rdi], plain.address() + 6);
  EXPECT_EQ(std::memcmp(plain.data(), "\x11\0\x22\0\x33\0", 6), 0);
  world_.privileged.told.clear();
  store<std::uint32_t>(0, 0xAABBCCDD);
  run({0x6F}, {{Gpr::rsi, here()}, {Gpr::rdx, 0x1F0}});  // outsd, from trapped memory
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"out4 1f0 aabbccdd"}));
  run({0x6C}, {{Gpr::rdi, 0x30}, {Gpr::rdx, 0x1F0}});    // insb to nobody
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, 0x30u);
}

TEST_F(TrapServiceTest, msrs_the_machine_has_are_read_and_others_refused) {
  const RegisterBank out = run({0x0F, 0x32}, {{Gpr::rcx, 0x1B}});
  EXPECT_EQ(out[Gpr::rax], 0xFEE00900u);
  EXPECT_EQ(out[Gpr::rdx], 0x12345678u);
  run({0x0F, 0x30}, {{Gpr::rcx, 0x1B}, {Gpr::rdx, 1}, {Gpr::rax, 2}});
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"wrmsr 1b 100000002"}));
  run({0x0F, 0x32}, {{Gpr::rcx, 0x1C}});
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::unsupported);
  EXPECT_EQ(world_.outcome.reason, "rdmsr of 0x1c, which this machine does not have");
}

TEST_F(TrapServiceTest, interrupt_flag_cache_and_halt_instructions_reach_the_machine) {
  run({0xFA, 0xFB, 0x0F, 0x09, 0xF4}, {});  // cli; sti; wbinvd; hlt
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"cli", "sti", "cache", "hlt"}));
}

TEST_F(TrapServiceTest, breakpoints_and_assertions_go_on_and_a_fast_fail_does_not) {
  EXPECT_EQ(run({0xCC, 0xCD, 0x2C, 0xB8, 7, 0, 0, 0}, {})[Gpr::rax], 7u);  // int3; int 2Ch; mov eax,7
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"breakpoint at cc", "assertion"}));
  run({0xCD, 0x29}, {{Gpr::rcx, 6}});
  EXPECT_EQ(aborted_, AbortReason::fast_fail);
  EXPECT_EQ(world_.privileged.told.back(), "fast fail 6");
}

TEST_F(TrapServiceTest, other_software_interrupts_and_kernel_instructions_are_refused) {
  run({0xCD, 0x80 - 0x40}, {});
  EXPECT_EQ(world_.outcome.reason, "int 0x40");
  run({0x0F, 0x01, 0xF8}, {});  // swapgs
  EXPECT_EQ(world_.outcome.reason, "swapgs is for the kernel itself, not for a driver");
  run({0x0F, 0x20, 0xD8}, {});  // mov rax,cr3
  EXPECT_EQ(world_.outcome.reason, "a read of cr3, which this machine does not have");
}

// --- an instruction that is no longer what it was -----------------------------------------------------------------------

TEST_F(TrapServiceTest, another_image_at_the_same_address_is_not_run_with_the_old_ones_instructions) {
  store<std::uint64_t>(0, 0x0101010101010101);
  auto load = world_.code.routine<std::uint64_t(MSABI*)(std::uint64_t)>({0x48, 0x8B, 0x01, 0xC3});  // mov rax,[rcx]
  auto* bytes = reinterpret_cast<std::uint8_t*>(load);
  std::uint64_t first = 0, second = 0;
  run_on(world_.machine, world_.fiber, [&] {
    first = enter_driver(world_.fiber, EntryKind::routine, load, here()).value;
    bytes[0] = 0x0F, bytes[1] = 0xB6;  // movzx eax,byte [rcx]
    second = enter_driver(world_.fiber, EntryKind::routine, load, here()).value;
  });
  EXPECT_EQ(first, 0x0101010101010101u);
  EXPECT_EQ(second, 1u);
}

TEST_F(TrapServiceTest, a_trap_inside_a_port_does_not_disturb_the_trap_outside) {
  struct Reentrant final : MemoryPort {
    Fiber* fiber;
    std::uint64_t (MSABI* inner)(std::uint64_t);
    int depth = 0;
    void read(std::uint64_t at, void* to, unsigned size) override {
      if (depth++ == 0) {
        const auto entered = enter_driver(*fiber, EntryKind::isr, inner, at);
        std::memcpy(to, &entered.value, size);
      } else {
        std::memset(to, 0x5A, size);
      }
    }
    void write(std::uint64_t, const void*, unsigned) override {}
  } port;
  port.fiber = &world_.fiber;
  port.inner = world_.code.routine<std::uint64_t(MSABI*)(std::uint64_t)>({0x48, 0x0F, 0xB6, 0x01, 0xC3});  // movzx rax,byte [rcx]
  world_.regions.regions = {{RegionKind::mmio, here(), here() + 4096, &port}};
  const RegisterBank out = run({0x48, 0x03, 0x03}, {{Gpr::rbx, here()}, {Gpr::rax, 1000}});  // add rax,[rbx]
  EXPECT_EQ(out[Gpr::rax], 1000u + 0x5A);
}

}  // namespace
}  // namespace drydock
