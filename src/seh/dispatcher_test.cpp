#include "seh/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "seh/image_for_tests.h"

namespace drydock::seh {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Answers = std::function<EXCEPTION_DISPOSITION(EXCEPTION_RECORD&, std::uint64_t frame, CONTEXT&, DISPATCHER_CONTEXT&)>;

constexpr std::uint8_t kSearches = UNW_FLAG_EHANDLER, kUnwinds = UNW_FLAG_UHANDLER, kBoth = kSearches | kUnwinds;
constexpr NTSTATUS kRaised = static_cast<NTSTATUS>(0xE0000001), kRaisedAgain = static_cast<NTSTATUS>(0xE0000002);
constexpr std::uint64_t kNothing = ~0ull;  // the call was abandoned

/// A machine with a hand-made driver. Handlers are the test's own; what they are asked goes into `log`.
class Dispatching : public testing::Test {
 public:
  static Dispatching* now;
  Dispatching() {
    now = this;
    machine.on_trap = [this](TrapFrame& frame) {
      EXCEPTION_RECORD record = made(STATUS_ACCESS_VIOLATION, frame);
      dry = dispatcher.guarded(fiber, frame, RipKind::exact);
      if (dispatcher.dispatch(fiber, frame, RipKind::exact, record) == Outcome::continued) return;
      abort_driver_call(fiber, AbortReason::exception);
    };
  }
  ~Dispatching() override { now = nullptr; }

  void load(std::vector<FunctionForTests> functions) {
    static const void* const raise_stub = raising_entry(reinterpret_cast<const void*>(&raise));
    static const void* const enter_stub = raising_entry(reinterpret_cast<const void*>(&enter));
    image.load(std::move(functions), {{seh_pad_raise, raise_stub},
                                      {seh_pad_enter, enter_stub},
                                      {seh_pad_handler, reinterpret_cast<const void*>(&handler)},
                                      {seh_pad_c_handler, reinterpret_cast<const void*>(&c_handler)},
                                      {seh_pad_filter, reinterpret_cast<const void*>(&filter)},
                                      {seh_pad_finally, reinterpret_cast<const void*>(&finally)}});
    CHECK(machine.images.add(image.image().base(), image.image().base() + image.image().size(), this), "no slot");
  }
  /// What the function returns; kNothing when its call was abandoned.
  std::uint64_t call(const char* function) {
    std::uint64_t value = 0;
    run_on(machine, fiber, [&] { value = enter_at(function); });
    EXPECT_EQ(fiber.innermost_guard(), nullptr);
    return value;
  }
  std::uint64_t enter_at(const char* function) {
    const auto routine = reinterpret_cast<std::uint64_t(MSABI*)()>(image.at(function));
    const auto entered = enter_driver(fiber, EntryKind::routine, routine);
    return entered.aborted ? kNothing : entered.value;
  }
  Scope scope(const char* begin, const char* end, const char* of_handler, const char* target) const {
    return {rva_of(begin), rva_of(end), of_handler == nullptr ? kAlwaysHandles : rva_of(of_handler), target == nullptr ? 0 : rva_of(target)};
  }
  std::string name_of(const char* function) const {
    const std::pair<const char*, const char*> names[] = {{seh_inner, "inner"}, {seh_middle, "middle"}, {seh_outer, "outer"},
        {seh_above_leaf, "above leaf"}, {seh_above_split, "above split"}, {seh_split, "split"}, {seh_far, "far"},
        {seh_border, "border"}, {seh_above_border, "above border"}, {seh_astray, "astray"}};
    for (const auto& [label, name] : names)
      if (label == function) return name;
    return "?";
  }

  static EXCEPTION_RECORD made(NTSTATUS code, const TrapFrame& frame) {
    EXCEPTION_RECORD record{};
    record.ExceptionCode = code;
    record.ExceptionAddress = reinterpret_cast<void*>(frame.rip());
    return record;
  }

  // What the image calls.
  static MSABI std::uint64_t raise() noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    EXCEPTION_RECORD record = made(now->raises, caller);
    record.ExceptionFlags = now->raised_flags;
    now->dry = now->dispatcher.guarded(now->fiber, caller, RipKind::return_address);
    if (now->dispatcher.dispatch(now->fiber, caller, RipKind::return_address, record) == Outcome::continued) resume_frame(caller);
    now->last = record;
    abort_driver_call(now->fiber, AbortReason::exception);
  }
  /// A routine that calls the driver again: transparent when the test wants it.
  static MSABI std::uint64_t enter() noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    const DriverCrossing crossing(now->fiber, caller.rsp());
    if (!now->is_transparent) return now->enter_at(seh_outer);
    const Link link(now->fiber, caller);
    return now->enter_at(seh_outer);
  }
  static MSABI EXCEPTION_DISPOSITION handler(EXCEPTION_RECORD* record, std::uint64_t frame, CONTEXT* context, DISPATCHER_CONTEXT* dc) noexcept {
    const char* function = now->image.function_of(dc->FunctionEntry);
    const ULONG flags = record->ExceptionFlags;
    now->frames.push_back(frame);
    now->log.push_back((IS_DISPATCHING(flags) ? "search " : IS_TARGET_UNWIND(flags) ? "target " : (flags & EXCEPTION_EXIT_UNWIND) ? "exit " : "unwind ") +
                       now->name_of(function));
    const auto answer = now->answers.find(function);
    return answer == now->answers.end() ? ExceptionContinueSearch : answer->second(*record, frame, *context, *dc);
  }
  static MSABI EXCEPTION_DISPOSITION c_handler(EXCEPTION_RECORD* record, std::uint64_t frame, CONTEXT* context, DISPATCHER_CONTEXT* dc) noexcept {
    return now->dispatcher.run_scopes(now->fiber, *record, frame, *context, *dc);
  }
  static MSABI LONG filter(EXCEPTION_POINTERS* pointers, std::uint64_t) noexcept {
    now->log.push_back(fmt::format("filter {:x}", static_cast<std::uint32_t>(pointers->ExceptionRecord->ExceptionCode)));
    return now->filter_says(*pointers->ExceptionRecord);
  }
  static MSABI void finally(BOOLEAN abnormal, std::uint64_t) noexcept {
    now->log.push_back(abnormal ? "finally" : "?");
    if (now->in_finally) std::exchange(now->in_finally, nullptr)();
  }

  /// RtlUnwind, called by a handler of the test: the frames looked at are those of the exception it was asked about.
  [[noreturn]] void unwind_to(std::uint64_t frame, const char* label, std::uint64_t value, EXCEPTION_RECORD* record) {
    wanted = {frame, image.at(label), value, record, nullptr};
    reinterpret_cast<void(MSABI*)()>(const_cast<void*>(unwind_stub()))();
    __builtin_unreachable();
  }
  static MSABI void unwind_entry() noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    now->dispatcher.unwind(now->fiber, caller, now->wanted);
    now->log.push_back("no such frame");
    abort_driver_call(now->fiber, AbortReason::exception);
  }
  static const void* unwind_stub() {
    static const void* const stub = raising_entry(reinterpret_cast<const void*>(&unwind_entry));
    return stub;
  }

  MachineForTests machine;
  DrivingThread driving{machine};
  Fiber fiber{"driver"};
  ImageForTests image;
  struct Seen final : Witness {
    void taken_above(const EXCEPTION_RECORD&, const CodePlace& where) override { places.push_back(where.rip); }
    std::vector<std::uint64_t> places;
  } taken_above;
  Dispatcher dispatcher{image, &taken_above};
  NTSTATUS raises = kRaised;
  ULONG raised_flags = 0;
  bool is_transparent = false;
  Guarded dry = Guarded::unknown;
  std::map<const char*, Answers> answers;
  std::function<LONG(const EXCEPTION_RECORD&)> filter_says = [](const EXCEPTION_RECORD&) { return EXCEPTION_EXECUTE_HANDLER; };
  std::function<void()> in_finally;
  UnwindTarget wanted;
  EXCEPTION_RECORD last{};
  std::vector<std::string> log;
  std::vector<std::uint64_t> frames;
};
Dispatching* Dispatching::now = nullptr;

FunctionForTests plain(const char* begin, const char* end) { return {begin, end}; }
FunctionForTests asked(const char* begin, const char* end, std::uint8_t flags = kBoth) { return {begin, end, flags, seh_pad_handler}; }
FunctionForTests with_scopes(const char* begin, const char* end, std::vector<Scope> scopes) {
  return {begin, end, kBoth, seh_pad_c_handler, std::move(scopes)};
}
#define PLAIN(name) plain(seh_##name, seh_##name##_end)
#define ASKED(name, ...) asked(seh_##name, seh_##name##_end, ##__VA_ARGS__)
#define WITH_SCOPES(name, ...) with_scopes(seh_##name, seh_##name##_end, {__VA_ARGS__})
#define AROUND_CALL(name, handler, target) scope(seh_##name##_call, seh_##name##_target, handler, target)
#define EXCEPT(name, filter) AROUND_CALL(name, filter, seh_##name##_target)
#define FINALLY(name) AROUND_CALL(name, seh_pad_finally, nullptr)

// --- the search ---------------------------------------------------------------------------------------------------------

TEST_F(Dispatching, handlers_are_asked_from_the_inside_and_an_exception_nobody_takes_unwinds_nothing) {
  load({ASKED(inner), ASKED(middle, kUnwinds), ASKED(outer)});
  EXPECT_EQ(call(seh_outer), kNothing);
  EXPECT_THAT(log, ElementsAre("search inner", "search outer"));  // middle handles unwinding only
  EXPECT_LT(frames.at(0), frames.at(1));
  EXPECT_EQ(dry, Guarded::no);
}

TEST_F(Dispatching, a_leaf_has_no_tables_and_its_caller_is_asked) {
  load({ASKED(above_leaf)});
  EXPECT_EQ(call(seh_above_leaf), kNothing);
  EXPECT_THAT(log, ElementsAre("search above leaf"));
}

TEST_F(Dispatching, the_handler_of_a_function_in_pieces_is_the_first_pieces) {
  load({ASKED(above_split), {seh_split, seh_split_end, kBoth, seh_pad_handler},
        {seh_far, seh_far_end, UNW_FLAG_CHAININFO, nullptr, {}, seh_split, 5, {5, 0x64, 3, 0}}});
  answers[seh_above_split] = [&](auto& record, std::uint64_t frame, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(frame, seh_above_split_target, 0, &record);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_above_split), 105u);  // rbx is the one that split had saved
  EXPECT_THAT(log, ElementsAre("search far", "search above split", "unwind far", "target above split"));
}

/// Nobody runs: only the walk is asked, from a stack that is laid out by hand.
class DispatchingByHand : public Dispatching {
 protected:
  std::vector<std::string> asked_at(const char* label, unsigned offset, std::vector<std::uint64_t> stack) {
    run_on(machine, fiber, [&] {
      alignas(64) std::byte room[4096] = {};
      alignas(16) std::uint64_t words[16] = {};
      std::copy(stack.begin(), stack.end(), words);
      auto* frame = new (room) TrapFrame{};
      ASSERT_LE(trap_frame_size(), sizeof room);
      long long gregs[kGprCount] = {};
      fill_trap_frame(frame, gregs, nullptr);
      (*frame)[Gpr::rip] = image.at(label) + offset;
      (*frame)[Gpr::rsp] = reinterpret_cast<std::uint64_t>(words);
      EXCEPTION_RECORD record = made(kRaised, *frame);
      EXPECT_EQ(dispatcher.dispatch(fiber, *frame, RipKind::exact, record), Outcome::unhandled);
      dry = dispatcher.guarded(fiber, *frame, RipKind::exact);
    });
    return std::exchange(log, {});
  }
};

TEST_F(DispatchingByHand, a_function_is_not_asked_about_its_own_prologue_and_epilogue) {
  load({ASKED(inner), ASKED(middle)});
  const std::uint64_t into_middle = image.at(seh_middle_target) - 4;  // a return address inside it
  const std::vector<std::uint64_t> rest = {0, 0, 0, 0, 0x22, 0};      // middle's frame: 20h bytes, rbx, return to nowhere
  const auto above = [&](std::vector<std::uint64_t> own) {
    own.push_back(into_middle);
    own.insert(own.end(), rest.begin(), rest.end());
    return own;
  };
  EXPECT_THAT(asked_at(seh_inner, 0, above({})), ElementsAre("search middle"));
  EXPECT_THAT(asked_at(seh_inner, 1, above({0x11})), ElementsAre("search middle"));
  EXPECT_THAT(asked_at(seh_inner, 5, above({0, 0, 0, 0, 0x11})), ElementsAre("search inner", "search middle"));
  EXPECT_THAT(asked_at(seh_inner_leave, 0, above({0, 0, 0, 0, 0x11})), ElementsAre("search middle"));
  EXPECT_THAT(asked_at(seh_inner_leave, 4, above({0x11})), ElementsAre("search middle"));
  EXPECT_THAT(asked_at(seh_inner_leave, 5, above({})), ElementsAre("search middle"));
}

TEST_F(DispatchingByHand, tables_and_stacks_that_are_damaged_end_the_search) {
  FunctionForTests unknown = ASKED(middle);
  unknown.version = 5;
  load({ASKED(inner), unknown, ASKED(outer)});
  const std::uint64_t into_middle = image.at(seh_middle_target) - 4, into_outer = image.at(seh_outer_target) - 4;
  EXPECT_THAT(asked_at(seh_inner, 5, {0, 0, 0, 0, 0x11, into_middle}), ElementsAre("search inner"));
  EXPECT_THAT(asked_at(seh_inner, 5, {0, 0, 0, 0, 0x11, into_outer, 0, 0, 0, 0, 0x33, 0xDEAD}), ElementsAre("search inner", "search outer"));
  EXPECT_THAT(asked_at(seh_middle, 5, {}), IsEmpty());
}

// --- what a handler answers -------------------------------------------------------------------------------------------------

TEST_F(Dispatching, execution_goes_on_with_the_registers_that_a_handler_left) {
  load({ASKED(inner), PLAIN(middle), PLAIN(outer)});
  answers[seh_inner] = [&](auto&, std::uint64_t, CONTEXT& context, auto&) {
    context.Rbx = 77;
    return ExceptionContinueExecution;
  };
  EXPECT_EQ(call(seh_inner), 77u);
}

TEST_F(Dispatching, what_cannot_be_continued_is_an_exception_of_its_own) {
  load({ASKED(inner), PLAIN(middle), PLAIN(outer)});
  raised_flags = EXCEPTION_NONCONTINUABLE;
  NTSTATUS second = 0, about = 0;
  answers[seh_inner] = [&](EXCEPTION_RECORD& record, std::uint64_t frame, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (record.ExceptionCode == kRaised) return ExceptionContinueExecution;
    second = record.ExceptionCode, about = record.ExceptionRecord->ExceptionCode;
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(frame, seh_inner_target, 0, &record);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_inner), 101u);
  EXPECT_EQ(second, STATUS_NONCONTINUABLE_EXCEPTION);
  EXPECT_EQ(about, kRaised);
}

TEST_F(Dispatching, an_answer_that_is_none_is_told_as_such) {
  load({ASKED(inner), PLAIN(middle), PLAIN(outer)});
  answers[seh_inner] = [](EXCEPTION_RECORD& record, std::uint64_t, auto&, auto&) {
    return record.ExceptionCode == kRaised ? static_cast<EXCEPTION_DISPOSITION>(9) : ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_inner), kNothing);
  EXPECT_EQ(static_cast<std::uint32_t>(last.ExceptionCode), 0xC0000026u);
}

// --- unwinding --------------------------------------------------------------------------------------------------------------

TEST_F(Dispatching, unwinding_tells_every_frame_up_to_the_target_and_goes_on_there) {
  load({ASKED(inner), ASKED(middle), ASKED(outer)});
  answers[seh_outer] = [&](EXCEPTION_RECORD& record, std::uint64_t frame, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(frame, seh_outer_target, 0, &record);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_outer), 103u);
  EXPECT_THAT(log, ElementsAre("search inner", "search middle", "search outer", "unwind inner", "unwind middle", "target outer"));
}

TEST_F(Dispatching, the_value_of_an_unwinding_arrives_in_rax) {
  load({PLAIN(inner), PLAIN(middle), ASKED(outer)});
  answers[seh_outer] = [&](EXCEPTION_RECORD& record, std::uint64_t frame, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(frame, seh_outer_leave, 4711, &record);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_outer), 4711u);
}

TEST_F(Dispatching, an_exit_unwinding_tells_all_and_a_frame_that_is_not_there_is_noticed) {
  load({ASKED(inner), ASKED(middle), ASKED(outer)});
  answers[seh_inner] = [&](EXCEPTION_RECORD& record, std::uint64_t, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(0, seh_outer_target, 0, nullptr);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_outer), kNothing);
  EXPECT_THAT(log, ElementsAre("search inner", "exit inner", "exit middle", "exit outer", "no such frame"));
  log.clear();
  answers[seh_inner] = [&](EXCEPTION_RECORD& record, std::uint64_t frame, auto&, auto&) -> EXCEPTION_DISPOSITION {
    if (IS_DISPATCHING(record.ExceptionFlags)) unwind_to(frame + 8, seh_outer_target, 0, nullptr);
    return ExceptionContinueSearch;
  };
  EXPECT_EQ(call(seh_outer), kNothing);
  EXPECT_THAT(log, ElementsAre("search inner", "unwind inner", "no such frame"));
}

// --- scope tables ------------------------------------------------------------------------------------------------------------

TEST_F(Dispatching, the_handler_of_c_accepts_runs_the_blocks_further_in_and_goes_on_in_its_own) {
  load({WITH_SCOPES(inner, FINALLY(inner)), PLAIN(middle), WITH_SCOPES(outer, FINALLY(outer), EXCEPT(outer, seh_pad_filter))});
  EXPECT_EQ(call(seh_outer), 103u);
  EXPECT_THAT(log, ElementsAre("filter e0000001", "finally", "finally"));
  EXPECT_EQ(dry, Guarded::yes);
}

// The second unwinding takes over from the first, and the block that raised has begun: it is not run again.
TEST_F(Dispatching, an_exception_in_a_finally_block_collides_and_takes_over) {
  load({WITH_SCOPES(inner, FINALLY(inner)), WITH_SCOPES(middle, FINALLY(middle), EXCEPT(middle, seh_pad_filter)), WITH_SCOPES(outer, EXCEPT(outer, seh_pad_filter))});
  filter_says = [](const EXCEPTION_RECORD& record) { return record.ExceptionCode == kRaisedAgain ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH; };
  EXPECT_EQ(call(seh_outer), kNothing);
  EXPECT_THAT(log, ElementsAre("filter e0000001", "filter e0000001"));
  log.clear();
  filter_says = [this](const EXCEPTION_RECORD& record) {  // outer takes the first, middle the second
    if (record.ExceptionCode == kRaisedAgain) return EXCEPTION_EXECUTE_HANDLER;
    return log.size() == 2 ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
  };
  in_finally = [this] {
    raises = kRaisedAgain;
    reinterpret_cast<void(MSABI*)()>(image.at(seh_pad_raise))();
  };
  EXPECT_EQ(call(seh_outer), 3u);  // middle's target returns to outer, which goes on
  EXPECT_THAT(log, ElementsAre("filter e0000001", "filter e0000001", "finally", "filter e0000002", "finally"));
  EXPECT_EQ(dry, Guarded::yes);  // the second was raised where middle guards
}

TEST_F(Dispatching, an_exception_in_a_filter_is_searched_for_from_its_own_place_on) {
  load({WITH_SCOPES(inner, EXCEPT(inner, seh_pad_filter)), PLAIN(middle), WITH_SCOPES(outer, EXCEPT(outer, seh_pad_filter))});
  bool has_raised = false;
  filter_says = [&](const EXCEPTION_RECORD& record) {
    if (record.ExceptionCode == kRaisedAgain) return log.size() > 2 ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
    if (std::exchange(has_raised, true)) return EXCEPTION_CONTINUE_SEARCH;
    raises = kRaisedAgain;
    reinterpret_cast<void(MSABI*)()>(image.at(seh_pad_raise))();
    return EXCEPTION_CONTINUE_SEARCH;
  };
  EXPECT_EQ(call(seh_outer), 103u);
  EXPECT_THAT(log, ElementsAre("filter e0000001", "filter e0000002", "filter e0000002"));
}

// --- borders between drivers ---------------------------------------------------------------------------------------------------

std::vector<FunctionForTests> two_segments(std::vector<Scope> of_border, std::vector<Scope> of_outer) {
  const auto maybe = [](const char* begin, const char* end, std::vector<Scope> scopes) {
    return scopes.empty() ? plain(begin, end) : with_scopes(begin, end, std::move(scopes));
  };
  return {PLAIN(inner), PLAIN(middle), maybe(seh_outer, seh_outer_end, std::move(of_outer)), maybe(seh_border, seh_border_end, std::move(of_border)),
          PLAIN(above_border)};
}

TEST_F(Dispatching, an_exception_ends_at_an_ordinary_border) {
  load(two_segments({EXCEPT(border, nullptr)}, {}));
  EXPECT_EQ(call(seh_above_border), 7u);  // the inner call was abandoned, the outer one went on
  EXPECT_EQ(dry, Guarded::no);
}

TEST_F(Dispatching, an_exception_passes_a_transparent_border_and_is_taken_behind_it) {
  load(two_segments({EXCEPT(border, seh_pad_filter)}, {FINALLY(outer)}));
  is_transparent = true;
  EXPECT_EQ(call(seh_above_border), 7u);  // border's block returned to it
  EXPECT_THAT(log, ElementsAre("filter e0000001", "finally"));
  EXPECT_EQ(dry, Guarded::yes);
  EXPECT_EQ(Link::innermost(fiber), nullptr);
  EXPECT_THAT(taken_above.places, IsEmpty());  // it is one driver's, above and below
}

TEST_F(Dispatching, behind_a_transparent_border_that_was_left_the_books_are_those_of_the_caller) {
  load(two_segments({EXCEPT(border, nullptr)}, {}));
  is_transparent = true;
  std::uint64_t value = 0;
  run_on(machine, fiber, [&] {
    int caller_book = 0;
    fiber.call_frames = &caller_book;
    value = enter_at(seh_border);
    EXPECT_EQ(fiber.call_frames, &caller_book);
    EXPECT_EQ(fiber.innermost_guard(), nullptr);
    EXPECT_EQ(Link::innermost(fiber), nullptr);
  });
  EXPECT_EQ(value, 106u);
}

TEST_F(Dispatching, what_the_inner_driver_takes_does_not_pass) {
  load(two_segments({EXCEPT(border, seh_pad_filter)}, {EXCEPT(outer, nullptr)}));
  is_transparent = true;
  EXPECT_EQ(call(seh_above_border), 7u);
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(dry, Guarded::yes);
  EXPECT_THAT(taken_above.places, IsEmpty());
}

TEST_F(Dispatching, an_interrupt_between_is_no_border_that_an_exception_passes) {
  load(two_segments({EXCEPT(border, nullptr)}, {}));
  is_transparent = true;
  std::uint64_t value = 0;
  run_on(machine, fiber, [&] {
    struct Outer {
      static MSABI std::uint64_t interrupted() noexcept {
        TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
        const Link link(now->fiber, caller);
        const auto entered = enter_driver(now->fiber, EntryKind::isr, reinterpret_cast<std::uint64_t(MSABI*)()>(now->image.at(seh_outer)));
        return entered.aborted ? 55 : entered.value;
      }
    };
    static const void* const stub = raising_entry(reinterpret_cast<const void*>(&Outer::interrupted));
    const auto entered = enter_driver(fiber, EntryKind::routine, reinterpret_cast<std::uint64_t(MSABI*)()>(const_cast<void*>(stub)));
    value = entered.value;
  });
  EXPECT_EQ(value, 55u);
}

// --- would anybody take it? ------------------------------------------------------------------------------------------------

TEST_F(DispatchingByHand, what_guards_an_instruction_is_told_without_running_anything) {
  load({WITH_SCOPES(inner, FINALLY(inner)), WITH_SCOPES(middle, EXCEPT(middle, seh_pad_filter)), ASKED(outer)});
  const std::uint64_t into_middle = image.at(seh_middle_call) + 5, into_outer = image.at(seh_outer_call) + 5;
  filter_says = [](const EXCEPTION_RECORD&) { return EXCEPTION_CONTINUE_SEARCH; };
  const unsigned call_at = static_cast<unsigned>(seh_inner_call - seh_inner);
  asked_at(seh_inner, call_at, {0, 0, 0, 0, 0x11, into_middle, 0, 0, 0, 0, 0x22, into_outer, 0, 0, 0, 0, 0x33, 0});
  EXPECT_EQ(dry, Guarded::yes);
  asked_at(seh_inner, call_at, {0, 0, 0, 0, 0x11, into_outer, 0, 0, 0, 0, 0x33, 0});
  EXPECT_EQ(dry, Guarded::no);  // a __finally, and a handler that has no scope table
  asked_at(seh_middle, 5, {0, 0, 0, 0, 0x22, 0});
  EXPECT_EQ(dry, Guarded::no);  // in front of the range
  asked_at(seh_middle_call, 0, {0, 0, 0, 0, 0x22, 0});
  EXPECT_EQ(dry, Guarded::yes);
  asked_at(seh_middle_target, 0, {0, 0, 0, 0, 0x22, 0});
  EXPECT_EQ(dry, Guarded::no);  // behind it
  asked_at(seh_inner, 5, {0, 0, 0, 0, 0x11, image.at(seh_pad_enter) + 4});
  EXPECT_EQ(dry, Guarded::unknown);  // a function that calls and has no tables
}

TEST_F(Dispatching, a_routine_tells_its_callers_place_and_a_lost_stack_is_not_accused) {
  load({PLAIN(inner), WITH_SCOPES(middle, EXCEPT(middle, seh_pad_filter)), PLAIN(outer)});
  filter_says = [](const EXCEPTION_RECORD&) { return EXCEPTION_CONTINUE_SEARCH; };
  struct AtCall {
    static MSABI std::uint64_t look() noexcept {
      const TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
      const CodePlace place{caller.rip(), caller.rsp(), caller[Gpr::rbp], true};
      now->log.push_back(now->dispatcher.guarded(now->fiber, place) == Guarded::yes ? "guarded" : "?");
      auto* back = reinterpret_cast<std::uint64_t*>(caller.rsp() + 0x28);  // inner's return address
      const std::uint64_t kept = std::exchange(*back, 0xDEAD);
      now->log.push_back(now->dispatcher.guarded(now->fiber, place) == Guarded::unknown ? "unknown" : "?");
      *back = kept;
      return 0;
    }
  };
  static const void* const look = raising_entry(reinterpret_cast<const void*>(&AtCall::look));
  *reinterpret_cast<const void**>(image.at(seh_pad_raise) + 2) = look;
  EXPECT_EQ(call(seh_outer), 3u);
  EXPECT_THAT(log, ElementsAre("guarded", "unknown"));
  EXPECT_EQ(call(seh_inner), 1u);
  EXPECT_THAT(log, ElementsAre("guarded", "unknown", "?", "?"));  // not guarded, and near enough to the border
}

}  // namespace
}  // namespace drydock::seh
