#pragma once
// A driver image made by hand for tests of the dispatcher: a few functions in assembly, with unwind information that the
// test writes itself. Every function that calls is one of two shapes,
//
//   name:        push rbx ; sub rsp, 20h ; mov ebx, number ; call …     the prologue ends before the mov
//   name_target: lea eax, [rbx + 100]                                   where a handler's block would be
//   name_leave:  add rsp, 20h ; pop rbx ; ret
//
// so that what it returns says which way it took, and whether rbx was right.

#define LOADER_TEST_IMAGES ""

#include <functional>
#include <map>
#include <string>

#include "abi/raising_entry.h"
#include "loader/image.h"
#include "loader/test_images/pe_editor.h"
#include "sched/machine_for_tests.h"
#include "seh/dispatcher.h"
#include "seh/machine_context.h"
#include "seh/scope_table.h"

asm(R"(
        .text
        .balign 64
        .globl seh_test_begin, seh_test_end
seh_test_begin:

        .macro  frame name, number, callee
        .globl  seh_\name, seh_\name\()_call, seh_\name\()_target, seh_\name\()_leave, seh_\name\()_end
seh_\name:
        pushq   %rbx
        subq    $0x20, %rsp
        movl    $\number, %ebx
seh_\name\()_call:
        call    \callee
        movl    %ebx, %eax
        jmp     seh_\name\()_leave
seh_\name\()_target:
        leal    100(%rbx), %eax
seh_\name\()_leave:
        addq    $0x20, %rsp
        popq    %rbx
        ret
seh_\name\()_end:
        .endm

        .macro  pad name
        .globl  seh_pad_\name
seh_pad_\name:
        movabsq $0, %rax
        jmp     *%rax
        .endm

        frame   inner, 1, seh_pad_raise
        frame   middle, 2, seh_inner
        frame   outer, 3, seh_middle
        frame   above_leaf, 4, seh_leaf
        frame   above_split, 5, seh_split
        frame   border, 6, seh_pad_enter
        frame   above_border, 7, seh_border
        frame   astray, 8, seh_pad_raise

        .globl  seh_leaf, seh_split, seh_split_end, seh_far, seh_far_prologue, seh_far_end
seh_leaf:                                       # no unwind information
        xorl    %eax, %eax
        movl    (%rax), %eax
        ret

seh_split:                                      # in two pieces, the second with a prologue of its own
        pushq   %rbx
        subq    $0x20, %rsp
        movl    $50, %ebx
        jmp     seh_far
seh_split_end:
        .balign 16
seh_far:
        movq    %rsi, 0x18(%rsp)
seh_far_prologue:
        xorl    %esi, %esi
        call    seh_pad_raise
        int3
seh_far_end:
        .balign 16

        pad     raise
        pad     enter
        pad     handler
        pad     c_handler
        pad     filter
        pad     finally
seh_test_end:
        .text
)");

#define SEH_FRAME(name) char seh_##name[], seh_##name##_call[], seh_##name##_target[], seh_##name##_leave[], seh_##name##_end[]
extern "C" {
extern const char seh_test_begin[], seh_test_end[];
extern const SEH_FRAME(inner);
extern const SEH_FRAME(middle);
extern const SEH_FRAME(outer);
extern const SEH_FRAME(above_leaf);
extern const SEH_FRAME(above_split);
extern const SEH_FRAME(border);
extern const SEH_FRAME(above_border);
extern const SEH_FRAME(astray);
extern const char seh_leaf[], seh_split[], seh_split_end[], seh_far[], seh_far_prologue[], seh_far_end[];
extern const char seh_pad_raise[], seh_pad_enter[], seh_pad_handler[], seh_pad_c_handler[], seh_pad_filter[], seh_pad_finally[];
}
#undef SEH_FRAME

namespace drydock::seh {

constexpr std::uint32_t kCodeRva = test::MiniPe::kRva;
inline std::uint32_t rva_of(const char* label) { return kCodeRva + static_cast<std::uint32_t>(label - seh_test_begin); }

/// What the test writes into .pdata and .xdata.
struct FunctionForTests {
  const char* begin;
  const char* end;
  std::uint8_t flags = 0;                  // EHANDLER 1, UHANDLER 2, CHAININFO 4
  const char* handler = nullptr;
  std::vector<Scope> scopes{};
  const char* parent = nullptr;            // of a chained one: which function comes before
  std::uint8_t prologue_size = 5;
  std::vector<std::uint8_t> codes{5, 0x32, 1, 0x30};  // sub rsp,20h; push rbx
  std::uint8_t version = 1;
};

class ImageForTests final : public CodeMap {
 public:
  /// Fills the image and loads it. Functions are sorted by the caller: in the order of the code.
  void load(std::vector<FunctionForTests> functions, const std::map<const char*, const void*>& pads) {
    functions_ = std::move(functions);
    put_code(pads);
    pdata_ = kTables;
    xdata_ = kTables + static_cast<std::uint32_t>(functions_.size()) * 12;
    for (const FunctionForTests& function : functions_) {
      infos_[function.begin] = xdata_;
      put_function(function);
    }
    pe_.directory(pe::kExceptionDirectory, kTables, static_cast<std::uint32_t>(functions_.size()) * 12);
    Seeded seeded(1);
    struct Nothing final : ImportResolver {
      void* resolve(std::string_view, std::string_view) override { return nullptr; }
    } nothing;
    auto image = Image::load_bytes(pe_.bytes(), "handmade.sys", {.seeded = seeded, .missing_import = nullptr, .name = {}}, nothing);
    CHECK(image.has_value(), "the image is bad");
    image_.emplace(std::move(*image));
  }

  const Image& image() const { return *image_; }
  std::uint64_t at(const char* label) const { return image_->base() + rva_of(label); }
  std::optional<CodeImage> image_at(std::uint64_t address) const override {
    if (!image_->contains(address)) return std::nullopt;
    return CodeImage{&image_->pe(), image_->base()};
  }
  /// The function whose row this is.
  const char* function_of(const RUNTIME_FUNCTION* row) const {
    const auto index = (reinterpret_cast<std::uint64_t>(row) - image_->base() - kTables) / 12;
    return functions_.at(index).begin;
  }

 private:
  static constexpr std::uint32_t kTables = kCodeRva + 0x800;

  void put_code(const std::map<const char*, const void*>& pads) {
    CHECK(seh_test_end - seh_test_begin < 0x800, "the code is too long");
    std::uint32_t rva = kCodeRva;
    for (const char* at = seh_test_begin; at != seh_test_end; ++at) pe_.put(rva++, *at);
    for (const auto& [label, target] : pads) pe_.put(rva_of(label) + 2, reinterpret_cast<std::uint64_t>(target));
  }
  template <class T>
  void add(T value) {
    pe_.put(xdata_, value);
    xdata_ += static_cast<std::uint32_t>(sizeof value);
  }
  void add_row(std::uint32_t& at, const FunctionForTests& function) {
    for (const std::uint32_t value : {rva_of(function.begin), rva_of(function.end), infos_.at(function.begin)}) {
      pe_.put(at, value);
      at += 4;
    }
  }
  void put_function(const FunctionForTests& function) {
    add_row(pdata_, function);
    add(static_cast<std::uint8_t>(function.version | function.flags << 3));
    add(function.prologue_size);
    add(static_cast<std::uint8_t>(function.codes.size() / 2));
    add(std::uint8_t{0});
    for (const std::uint8_t code : function.codes) add(code);
    if (function.codes.size() % 4 != 0) add(std::uint16_t{0});
    if (function.parent != nullptr) add_row(xdata_, *find(function.parent));
    if (function.handler != nullptr) add(rva_of(function.handler));
    if (function.scopes.empty()) return;
    add(static_cast<std::uint32_t>(function.scopes.size()));
    for (const Scope& scope : function.scopes) add(scope);
  }
  const FunctionForTests* find(const char* begin) const {
    for (const FunctionForTests& function : functions_)
      if (function.begin == begin) return &function;
    return nullptr;
  }

  test::MiniPe pe_;
  std::vector<FunctionForTests> functions_;
  std::map<const char*, std::uint32_t> infos_;
  std::uint32_t pdata_ = 0, xdata_ = 0;
  std::optional<Image> image_;
};

}  // namespace drydock::seh
