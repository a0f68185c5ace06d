#include "machine/kernel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "abi/memcheck.h"
#include "io/double_fetch_finding.h"
#include "ddi/modules.h"
#include "io/request_buffers.h"
#include "sched/guard.h"
#include "sched/watchdog.h"

extern "C" const char* drydock_debugger_text(const char* what);

namespace drydock {

namespace {

constexpr std::size_t kGsSelf = 0x18, kGsPrcb = 0x20, kPrcb = 0x180, kGsNumber = 0x184;
constexpr std::uint32_t kKthreadTag = 0x65726854;  // 'Thre'
constexpr std::uint64_t kThreadObjectSize = 0x800;
constexpr Nanoseconds kForcedStep = 100 * kMicrosecond, kForcedStepMax = kSecond;
constexpr unsigned kPatientTicks = 8;

constexpr std::uint32_t kIrqlNotLessOrEqual = 0xD1, kPageFaultInNonpagedArea = 0x50, kTrapInKernel = 0x7F,
                        kExceptionNotHandled = 0x1E, kSystemService = 0x3B, kSystemThread = 0x7E, kWatchdog = 0x133, kMissingImport = 0xCE;

// UNEXPECTED_KERNEL_MODE_TRAP says in its first parameter which trap the processor took. DOC: DRY-01
constexpr std::uint64_t kDivideError = 0x0, kDoubleFault = 0x8;

// gs: of a virtual CPU shows a page like the processor control region: self, PRCB, number, current thread.
void* make_gs_page(Board& board, unsigned index) {
  const auto run = board.memory->allocate(1);
  CHECK(run.has_value(), "no page for a virtual CPU");
  std::byte* page = board.memory->system(run->first);
  std::memset(page, 0, kPageSize);
  const auto put = [&](std::size_t at, auto value) { std::memcpy(page + at, &value, sizeof value); };
  put(kGsSelf, page);
  put(kGsPrcb, page + kPrcb);
  put(kGsNumber, index);
  return page;
}

/// An execution that went astray: what to call it, and the place in the driver that can still be told.
struct Astray {
  std::string message;
  CodePlace where;
};

/// Does the code before `address` end in a call, so that it can be a return address?
bool follows_a_call(const Drivers& drivers, std::uint64_t address) {
  constexpr std::uint64_t kLongest = 7;
  if (!drivers.may_touch(address - kLongest, kLongest, false) || drivers.at(address) == nullptr) return false;
  const auto* code = reinterpret_cast<const std::uint8_t*>(address);
  if (code[-5] == 0xE8) return true;
  for (unsigned back = 2; back <= kLongest; ++back)
    if (code[-static_cast<int>(back)] == 0xFF && (code[-static_cast<int>(back) + 1] & 0x38) == 0x10) return true;
  return false;
}

/// A call through a bad pointer has pushed its return address; a return through a smashed stack has lost its own, and the
/// next one further up is the caller's.
std::optional<Astray> describe_jump(const Drivers& drivers, const Fiber& fiber, const TrapFrame& frame) {
  constexpr unsigned kWordsSearched = 512;
  if (drivers.may_touch(frame.rip(), 1, false)) return std::nullopt;
  const auto* words = reinterpret_cast<const std::uint64_t*>(frame.rsp());
  for (unsigned i = 0; i < kWordsSearched && frame.rsp() + 8 * i + 8 <= fiber.stack_top(); ++i) {
    if (!follows_a_call(drivers, words[i])) continue;
    const CodePlace where{words[i], frame.rsp() + 8 * i + 8, frame[Gpr::rbp], true};
    if (i == 0) return Astray{fmt::format("a call of address {:#x}, where there is no code", frame.rip()), where};
    return Astray{fmt::format("a return to address {:#x}, where there is no code: the return address on the stack was overwritten "
                              "(the stack shows the caller of the routine that returned)", frame.rip()), where};
  }
  return Astray{fmt::format("a jump to address {:#x}, where there is no code", frame.rip()), {frame.rip(), 0, 0, false}};
}

/// ", tag 'abcd'": the characters in the order of memory, as debuggers show them.
std::string tag_text(std::uint32_t tag) {
  std::string text = ", tag '";
  for (unsigned i = 0; i < 4; ++i) {
    const auto c = static_cast<char>(tag >> 8 * i);
    text += c >= ' ' && c <= '~' ? c : '.';
  }
  return text + "'";
}

/// Code, place, the exception's first two parameters. DOC: VER-133
std::array<std::uint64_t, 4> parameters_of(const EXCEPTION_RECORD& record) {
  const auto parameter = [&](ULONG i) { return i < record.NumberParameters ? record.ExceptionInformation[i] : 0; };
  return {static_cast<std::uint32_t>(record.ExceptionCode), reinterpret_cast<std::uint64_t>(record.ExceptionAddress), parameter(0), parameter(1)};
}

std::string describe(const TrapOutcome& outcome) {
  const char* act = outcome.write ? "write to" : "read of";
  switch (outcome.verdict) {
    case TrapVerdict::wild:
      if (outcome.address == 0 && outcome.size == 0 && !outcome.reason.empty()) return outcome.reason;
      if (outcome.address < kPageSize) return fmt::format("NULL pointer: {} address {:#x}", act, outcome.address);
      return fmt::format("wild {} address {:#x}{}{}", act, outcome.address, outcome.reason.empty() ? "" : ": ", outcome.reason);
    case TrapVerdict::divide_error: return "integer division by zero, or overflow";
    case TrapVerdict::float_error: return "floating-point exception";
    case TrapVerdict::misaligned: return "misaligned SSE access";
    case TrapVerdict::illegal: return "illegal instruction";
    default: return fmt::format("an instruction drydock does not run: {}", outcome.reason);
  }
}

}  // namespace

MachineKernel::~MachineKernel() = default;

void MachineKernel::attach(Board& board, Drivers& drivers, CheckLevel checks) {
  board_ = &board;
  drivers_ = &drivers;
  call_.emplace(*board.scheduler, board.trace, checks);
  services_storage_.emplace(storport::Services{*board.scheduler, *board.memory, *board.pool, *board.locked, *board.mappings,
                                               *board.window, *board.registers, board.bus, *board.mmio, board.registry,
                                               board.trace, *call_});
  services_ = &*services_storage_;
  io_storage_.emplace(IoServices{*board.scheduler, *board.memory, *board.pool, *board.locked, *board.mappings, *board.mdls, board.trace, *call_}, static_cast<IoHost&>(*this));
  io_storage_->set_default_dispatch(ddi::default_dispatch_routine());
  io_ = &*io_storage_;
  bus_.emplace(*io_storage_);
  spaces_ = board.spaces.get();
  mdls_ = board.mdls.get();
  kernel_faults_ = board.kernel_faults.get();
  if (checks != CheckLevel::off) mdls_->take_stacks_from(&drivers);
  if (checks != CheckLevel::off || kernel_faults_ != nullptr) mdls_->map_with_care();
  traps_ = std::make_unique<DriverTraps>(board, *this);
  exceptions_.emplace(drivers, static_cast<seh::Witness*>(this));
  for (unsigned i = 0; i < board.scheduler->cpu_count(); ++i) board.scheduler->cpu(i).gs_page = make_gs_page(board, i);
  board.scheduler->set_thread_objects([](void* b, unsigned) {
    void* object = static_cast<Board*>(b)->pool->allocate(kThreadObjectSize, PoolKind::nonpaged, kKthreadTag);
    if (object != nullptr) std::memset(object, 0, kThreadObjectSize);
    return object;
  }, &board);
  set_hang_limit(*this, kHangLimitMs);
  asm volatile("" : : "r"(&drydock_debugger_text));  // nobody but gdb calls it: keep it
}

storport::Adapter& MachineKernel::add_adapter(const storport::Miniport& miniport, PluggedDevice& device) {
  owned_.push_back(std::make_unique<storport::Adapter>(*services_, miniport, *device.made.function, device.slot,
                                                       static_cast<unsigned>(owned_.size())));
  adapters_.push_back(owned_.back().get());
  device.listener = this;
  device.bus_master->ask(this);
  return *owned_.back();
}

void MachineKernel::remove_adapters() {
  if (board_ == nullptr) return;  // the machine never got so far
  for (auto& device : board_->devices) {
    device->listener = nullptr;
    device->bus_master->ask(nullptr);
  }
  adapters_.clear();
  recent_adapter_ = nullptr;
  owned_.clear();
  objects_.reset();
  contiguous_.clear();
}

void MachineKernel::message_arrived(PciFunction& function, std::uint32_t vector) {
  for (storport::Adapter* adapter : adapters_)
    if (&adapter->function() == &function) adapter->message_arrived(vector);
}

void MachineKernel::line_changed(PciFunction& function, bool asserted) {
  for (storport::Adapter* adapter : adapters_)
    if (&adapter->function() == &function) adapter->line_changed(asserted);
}

void MachineKernel::departed(PciFunction& function) {
  for (storport::Adapter* adapter : adapters_)
    if (&adapter->function() == &function) adapter->departed();
}

NTSTATUS MachineKernel::initialize_storport(void* driver_object, void*, const void* data) {
  Driver* driver = drivers_->of_object(driver_object);
  if (driver == nullptr) return STATUS_INVALID_PARAMETER;
  storport::Miniport miniport;
  const NTSTATUS status = storport::read_initialization_data(data, miniport.data);
  if (status != STATUS_SUCCESS) return status;
  miniport.driver_object = driver_object;
  driver->miniport = miniport;
  return STATUS_SUCCESS;
}

void MachineKernel::set_event(KEVENT* event) { objects().dispatcher.set_event(*event); }

std::byte* MachineKernel::memory_at(const void* address, std::uint64_t size, bool write) {
  const auto at = reinterpret_cast<std::uint64_t>(address);
  const PhysicalMemory& memory = *board_->memory;
  if (at + size < at) return nullptr;
  if (const auto found = memory.find(at)) return size <= memory.size() - found->offset ? memory.system(0) + found->offset : nullptr;
  const bool mapped = board_->mappings->page_at(at) && board_->mappings->page_at(at + size - 1);
  const bool known = mapped || drivers_->may_touch(at, size, write) || board_->scheduler->on_any_stack(at, size);
  return known ? const_cast<std::byte*>(static_cast<const std::byte*>(address)) : nullptr;
}

const DRIVER_OBJECT* MachineKernel::driver_at(std::uint64_t address) const {
  Driver* driver = drivers_->at(address);
  return driver == nullptr ? nullptr : static_cast<const DRIVER_OBJECT*>(driver->driver_object());
}

void MachineKernel::debug_print(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  board_->trace.note([&] { return DebugPrinted{std::string(text)}; });
  if (debug_lines_.size() == kDebugLinesMax) debug_lines_.pop_front();
  debug_lines_.emplace_back(text);
}

std::string MachineKernel::name_of(std::uint64_t address) const {
  return drivers_->name_of(address);
}

// --- touches ------------------------------------------------------------------------------------------------------------------

void MachineKernel::touch(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write, CodePlace where) {
  if (!services_->checking()) return;
  if (found.view == View::forbidden) touch_forbidden(found, write, where);
  else touch_lent(address, size, found, write, where);
}

void MachineKernel::touch_forbidden(PhysicalMemory::Place found, bool write, CodePlace where) {
  for (storport::Adapter* adapter : adapters_)
    if (const storport::Request* request = adapter->find_data(found.offset)) {
      const std::uint64_t offset = found.offset - board_->memory->find(request->data_address)->offset;
      const bool read_write = request->srb.function() == SRB_FUNCTION_EXECUTE_SCSI && is_read_write(request->srb.opcode());
      return board_->trace.emit(ForbiddenTouched{"DataBuffer", request->serial, offset, write, false, read_write, where});
    }
  board_->trace.emit(ForbiddenTouched{"DataBuffer", 0, 0, write, true, false, where});
}

void MachineKernel::touch_lent(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write, CodePlace where) {
  for (storport::Adapter* adapter : adapters_)
    if (const storport::Request* request = adapter->find_slot(address))
      return touch_slot(*adapter, *request, found.offset - (std::uint64_t{request->pages.first} << kPageShift), size, write, where);
  for (storport::Adapter* adapter : adapters_)
    if (adapter->is_dead_data(found, size)) return board_->trace.emit(ForbiddenTouched{"DataBuffer", 0, 0, write, true, false, where});
  if (board_->guarded) touch_guarded(address, size, write, where);
}

void MachineKernel::touch_slot(const storport::Adapter& adapter, const storport::Request& request, std::uint64_t at, std::uint64_t size,
                               bool write, CodePlace where) {
  const storport::SlotLayout& layout = adapter.slot_layout();
  const auto object = layout.at(static_cast<std::uint32_t>(at));
  if (!request.lent)
    return board_->trace.emit(ForbiddenTouched{object.name, request.serial, at - object.start, write, true, false, where});
  if (!layout.apart || at + size <= object.end) return;
  const bool before_extension = at >= layout.list_end && at < layout.extension;
  const char* name = before_extension ? "SRB extension" : object.name;
  board_->trace.emit(RuleBroken{"DRY-03", "", fmt::format("{} byte{} {} {} {} of SRB {}", size, size == 1 ? "" : "s", size == 1 ? "was" : "were", write ? "written" : "read",
                                                           before_extension ? fmt::format("{} bytes before the SRB extension", layout.extension - at)
                                                                            : fmt::format("at +{:#x} of the {} of {} bytes, behind its end,", at - object.start,
                                                                                          name, object.end - object.start),
                                                           request.serial), where});
}

// DOC: VER-120 beside an object. DOC: VER-121 after its life.
void MachineKernel::touch_guarded(std::uint64_t address, std::uint64_t size, bool write, CodePlace where) {
  const auto trespass = board_->guarded->judge(address, size);
  if (!trespass) return;
  const GuardedObject& object = *trespass->object;
  const bool freed = trespass->kind == Trespass::Kind::freed, pool = object.tag != 0;
  if (object.tag == kIrpTag || object.tag == kSystemBufferTag) return touch_request(address, size, write, object, freed, where);
  const std::string what = fmt::format("{} {} of {} bytes{}", freed ? "a freed" : object.what[0] == 'u' ? "an" : "a", object.what, object.bytes, pool ? tag_text(object.tag) : "");
  std::string place = fmt::format("at +{:#x} of {}", address - object.address, what);
  if (address < object.address) place = fmt::format("{} bytes before {}", object.address - address, what);
  else if (trespass->kind == Trespass::Kind::behind) place += ", behind its end";
  board_->trace.emit(RuleBroken{freed ? "VER-121" : "VER-120", !pool ? "" : freed ? "0xD5" : "0xD6",
                                fmt::format("{} byte{} {} {} {}", size, size == 1 ? "" : "s", size == 1 ? "was" : "were", write ? "written" : "read", place),
                                where, history_of(object)});
}

// DOC: BUF-84 an IRP after its end. DOC: BUF-30 BUF-110 a system buffer behind its end, or after it.
void MachineKernel::touch_request(std::uint64_t address, std::uint64_t size, bool write, const GuardedObject& object, bool freed, const CodePlace& where) {
  const bool irp = object.tag == kIrpTag;
  const char* what = irp ? "IRP" : "system buffer";
  board_->trace.emit(RuleBroken{irp ? "BUF-84" : "BUF-30", "",
                                fmt::format("{} byte{} {} {} at +{:#x} of {} {} of {} bytes{}", size, size == 1 ? "" : "s", size == 1 ? "was" : "were", write ? "written" : "read",
                                            address - object.address, irp ? "an" : "a", what, object.bytes, freed ? ", after the request was completed" : ", outside of it"),
                                where, history_of(object)});
}

// DOC: MDL-21 MDL-28 BUF-48 BUF-51 a mapping that is over, or not to be written, and what lies behind one.
std::byte* MachineKernel::touch_mapping(std::uint64_t address, std::uint64_t size, bool write, CodePlace where) {
  const auto place = board_->mappings->look(address);
  if (!place) return nullptr;
  std::byte* page = place->page ? board_->memory->system(*place->page) + (address & kPageMask) : nullptr;
  if (place->state == ArenaPlace::State::live && allows(place->access, write)) return page;  // changed meanwhile
  const MdlFacts* facts = board_->mdls->mapped_at(address);
  const MappingTouch touch = judge_mapping_touch(*place, facts != nullptr && facts->mapped_for_reading_only);
  if (services_->checking())
    board_->trace.emit(RuleBroken{touch.rule, touch.code,
                                  fmt::format("{} byte{} {} {} at +{:#x} of the mapping of an MDL, {}", size, size == 1 ? "" : "s", size == 1 ? "was" : "were",
                                              write ? "written" : "read", address - place->mapping, touch.words),
                                  where, past_of_mapping(facts)});
  if (!touch.completed) return nullptr;
  if (place->state == ArenaPlace::State::live) board_->mappings->protect(place->mapping, PageAccess::read_write);  // told once
  return page;
}

MachineKernel::MappingTouch MachineKernel::judge_mapping_touch(const ArenaPlace& place, bool locked_for_reading) {
  switch (place.state) {
    case ArenaPlace::State::dead: return {"MDL-21", "0x50", "which is over", true};
    case ArenaPlace::State::guard: return {"BUF-48", "0x50", "behind its last page", false};
    case ArenaPlace::State::reserved: return {"MDL-46", "0x50", "where nothing is mapped now", false};
    case ArenaPlace::State::live: break;
  }
  if (locked_for_reading && place.access == PageAccess::read) return {"BUF-51", "", "whose pages are locked for IoReadAccess", true};
  return {"MDL-28", "0xBE", place.access == PageAccess::none ? "which is protected against any access" : "which is protected against writing", false};
}

std::vector<RelatedStack> MachineKernel::past_of_mapping(const MdlFacts* facts) {
  if (facts == nullptr || facts->mapped_at.empty()) return {};
  return {{"mapped at", facts->mapped_at}};
}

// --- drivers that ask before they touch ------------------------------------------------------------------------------------

void MachineKernel::instrument(const Shadow* shadow_of_driver, Coverage* coverage_of_driver) {
  shadow = shadow_of_driver;
  coverage = coverage_of_driver;
  instrumentation = this;
}

/// Then the access itself is told, at its very instruction.
bool MachineKernel::will_fault(std::uint64_t address, std::uint64_t bytes) const {
  for (const std::uint64_t end : {address, address + bytes - 1})
    for (storport::Adapter* adapter : adapters_)
      if (const storport::Request* request = adapter->find_slot(end)) {
        const storport::SlotLayout& layout = adapter->slot_layout();
        const auto page = static_cast<std::uint32_t>((end >> kPageShift) - (board_->memory->address(View::lent, request->pages.first) >> kPageShift));
        if (!request->lent || page == layout.head_pages || page == layout.head_pages + 1 + layout.tail_pages) return true;
      }
  return board_->guarded->faults(address, bytes);
}

void MachineKernel::bad_access(std::uint64_t address, std::uint64_t bytes, bool write, const CodePlace& where) {
  if (will_fault(address, bytes)) return;
  if (const auto found = board_->memory->find(address)) touch(address, bytes, *found, write, where);
}

// --- what the device may not reach -------------------------------------------------------------------------------------------

void MachineKernel::explain(const BusMaster& master, DmaRefused& refused) {
  for (const auto& device : board_->devices)
    if (device->bus_master.get() == &master) refused.doorbell = device->made.function->last_writer();
  refused.whose = whose(refused.logical);
}

/// As well as can be known: lists live on in their slots until these are used again.
std::string MachineKernel::whose(std::uint64_t logical) const {
  const auto page = board_->memory->page_of_pfn(logical >> kPageShift);
  if (!page) return "no memory of the machine";
  const std::uint64_t lent = board_->memory->address(View::lent, *page) + (logical & kPageMask);
  for (storport::Adapter* adapter : adapters_) {
    if (const storport::Request* request = adapter->find_slot(lent)) {
      const std::uint64_t at = lent - board_->memory->address(View::lent, request->pages.first);
      return fmt::format("the {} of SRB {}, which has been completed", adapter->slot_layout().at(static_cast<std::uint32_t>(at)).name, request->serial);
    }
    for (const auto& request : adapter->slots())
      for (std::uint32_t i = 0; i < request->list_host->NumberOfElements; ++i) {
        const auto& element = request->list_host->List[i];
        if (logical - static_cast<std::uint64_t>(element.PhysicalAddress.QuadPart) >= element.Length) continue;
        return fmt::format("the data of SRB {}, {}", request->serial,
                           request->lent ? "which goes the other way" : "which has been completed");
      }
  }
  const GuardedObject* object = board_->guarded ? board_->guarded->find(lent) : nullptr;
  if (object != nullptr) return fmt::format("{} of {} bytes{}", object->what, object->bytes, object->live ? "" : ", which has been freed");
  return {};
}

// --- the end ------------------------------------------------------------------------------------------------------------------

void MachineKernel::end(std::uint32_t code, const Parameters& parameters, std::string message, CodePlace where) {
  if (halt_) return;
  if (const FetchWatch* watch = board_->spaces->fetches(); watch != nullptr && watch->changing() && watch->has_changed())
    board_->trace.emit(double_fetch_that_stops(*watch));
  const bool is_exception = code == kExceptionNotHandled || code == kSystemService || code == kSystemThread;
  const bool first_tells_case = code == kTrapInKernel || (is_exception && parameters[0] != 0);
  halt_ = Halt{code, parameters, first_tells_case, message, drivers_->stack_at(where), where.is_return_address};
  board_->trace.emit(MachineHalted{code, parameters, std::move(message), where});
}

void MachineKernel::bug_check(std::uint32_t code, const std::uint64_t (&parameters)[4], CodePlace where, std::string_view why) {
  end(code, std::to_array(parameters),
      why.empty() ? fmt::format("KeBugCheckEx({:#x}, {:#x}, {:#x}, {:#x}, {:#x})", code, parameters[0], parameters[1], parameters[2], parameters[3])
                  : std::string(why), where);
  abort_driver_call(*current_fiber, AbortReason::bug_check);
}

void MachineKernel::stop_with_stale_registers() {
  end(0, {}, fmt::format("the driver's instructions trap here, and this valgrind shows old registers then: run valgrind with {}",
                     memcheck::kExactRegistersOptions), {});
  if (halt_) halt_->is_the_drivers = false;
  abort_driver_call(*current_fiber, AbortReason::exception);
}

/// A trap that was not completed. Owns nothing: a handler may take the exception and never come back.
struct MachineKernel::Trapped {
  TrapVerdict verdict = TrapVerdict::emulated;
  bool write = false, fetch = false;
  std::uint64_t address = 0;     ///< what was touched
  std::uint64_t breakpoint = 0;
  std::optional<EXCEPTION_RECORD> exception;
  std::array<char, 256> words;   ///< what happened, in case it is the end
};

TrapCircumstances MachineKernel::circumstances_at(std::uint64_t address) const {
  return {board_->scheduler->irql(), board_->memory->slot() + kUserView + kViewStride, drivers_->at(address) != nullptr};
}

/// True: the driver goes on. Else `trapped` says what it is.
bool MachineKernel::complete(TrapFrame& frame, Trapped& trapped) {
  const TrapOutcome outcome = traps_->handle(frame);
  trapped.breakpoint = traps_->take_breakpoint();
  if (outcome.verdict == TrapVerdict::emulated) [[likely]] return trapped.breakpoint == 0;
  trapped.verdict = outcome.verdict;
  trapped.address = outcome.address;
  trapped.write = outcome.write;
  trapped.fetch = outcome.verdict == TrapVerdict::wild && frame.has_fault_address() && frame.is_fetch();
  if (outcome.verdict == TrapVerdict::wild) touch_wild(outcome, frame);
  trapped.exception = exception_of(outcome, frame, circumstances_at(outcome.address));
  trapped.words.fill(0);
  describe(outcome).copy(trapped.words.data(), trapped.words.size() - 1);
  return false;
}

// An abandoned call unwinds nothing, so nothing is owned here.
void MachineKernel::trap(TrapFrame& frame) {
  DriverCrossing crossing(*current_fiber, frame.rsp());
  if (!memcheck::registers_are_exact_at_faults()) [[unlikely]] stop_with_stale_registers();
  Trapped trapped;
  if (!complete(frame, trapped)) [[unlikely]] not_completed(frame, trapped);
}

void MachineKernel::not_completed(TrapFrame& frame, Trapped& trapped) {
  if (trapped.breakpoint != 0) return pass_breakpoint(frame, trapped.breakpoint);
  if (trapped.exception && exceptions_->dispatch(*current_fiber, frame, RipKind::exact, *trapped.exception) == seh::Outcome::continued) return;
  end_at_trap(frame, trapped);
  abort_driver_call(*current_fiber, trapped.verdict == TrapVerdict::wild ? AbortReason::wild_access : AbortReason::exception);
}

// ASSUMED: a breakpoint nobody handles is passed as if a debugger had said "go" (tests/drivers/exceptions_trapped).
void MachineKernel::pass_breakpoint(TrapFrame& frame, std::uint64_t at) {
  const std::uint64_t behind = std::exchange(frame[Gpr::rip], at);
  EXCEPTION_RECORD record = exception_record(STATUS_BREAKPOINT, at);
  if (exceptions_->dispatch(*current_fiber, frame, RipKind::exact, record) == seh::Outcome::continued) return;
  debug_print(fmt::format("breakpoint at {}", name_of(at)));
  frame[Gpr::rip] = behind;
}

void MachineKernel::end_at_trap(const TrapFrame& frame, const Trapped& trapped) {
  const std::optional<Astray> jump = describe_jump(*drivers_, *current_fiber, frame);
  const CodePlace where = jump ? jump->where : CodePlace{frame.rip(), frame.rsp(), frame[Gpr::rbp], false};
  std::string message = jump ? jump->message : std::string(trapped.words.data());
  if (trapped.verdict == TrapVerdict::divide_error) end(kTrapInKernel, {kDivideError, 0, 0, 0}, std::move(message), where);
  else if (trapped.exception) end(unhandled_code(), parameters_of(*trapped.exception), std::move(message), where);
  else if (trapped.verdict != TrapVerdict::wild) end(kExceptionNotHandled, {}, std::move(message), where);
  else end_at_page_fault(frame, trapped, std::move(message), where);
}

// DOC: VER-131 VER-132 parameters as their pages list them: address, IRQL, access, instruction; address, access, instruction,
// what is wrong with the address.
void MachineKernel::end_at_page_fault(const TrapFrame& frame, const Trapped& trapped, std::string message, CodePlace where) {
  constexpr std::uint64_t kRead = 0, kWrite = 1, kExecute = 8, kNotPresent = 2;
  const Irql irql = board_->scheduler->irql();
  const std::uint64_t access = trapped.fetch ? kExecute : trapped.write ? kWrite : kRead;
  if (irql >= kDispatchLevel) return end(kIrqlNotLessOrEqual, {trapped.address, irql, access, frame.rip()}, std::move(message), where);
  end(kPageFaultInNonpagedArea, {trapped.address, access * 2, frame.rip(), kNotPresent}, std::move(message), where);
}

/// Which bug check an exception ends in that no driver takes: below a system service and in a system thread Windows has a
/// handler of its own; the stacks of DPCs and interrupts have none. DOC: VER-133 VER-134 VER-210
std::uint32_t MachineKernel::unhandled_code() const {
  for (const EntryGuard* guard = current_fiber->innermost_guard(); guard != nullptr; guard = guard->outer)
    if (has_own_stack(guard->kind)) return kExceptionNotHandled;
  return board_->scheduler->process() != nullptr ? kSystemService : kSystemThread;
}

// DOC: DRY-40
void MachineKernel::taken_above(const EXCEPTION_RECORD& record, const CodePlace& where) {
  if (services_->checking())
    board_->trace.emit(RuleBroken{"DRY-40", "", fmt::format("exception {:#x} leaves the driver that caused it, through IoCallDriver, into the one above",
                                                            static_cast<std::uint32_t>(record.ExceptionCode)), where});
}

// DOC: VER-133 an exception that no handler took.
void MachineKernel::raise_exception(TrapFrame& caller, EXCEPTION_RECORD& record) {
  if (exceptions_->dispatch(*current_fiber, caller, RipKind::return_address, record) == seh::Outcome::continued) resume_frame(caller);
  end(unhandled_code(), parameters_of(record),
      fmt::format("exception {:#x} was raised, and no handler of the driver took it", static_cast<std::uint32_t>(record.ExceptionCode)),
      CodePlace{caller.rip(), caller.rsp(), caller[Gpr::rbp], true});
  abort_driver_call(*current_fiber, AbortReason::exception);
}

void MachineKernel::call_aborted(Fiber&, const AbortRecord& record) {
  const auto reg = [&](Gpr r) { return record.gregs[static_cast<std::size_t>(r)]; };
  const CodePlace where{reg(Gpr::rip), reg(Gpr::rsp), reg(Gpr::rbp), false};
  if (record.reason == AbortReason::stack_overflow) end(kTrapInKernel, {kDoubleFault, 0, 0, 0}, "kernel stack overflow (double fault)", where);
  else if (record.reason == AbortReason::hung) end(kWatchdog, {}, "the driver loops without end, and nothing else on the machine could end the loop", where);
  else if (record.reason == AbortReason::endless) end(kWatchdog, {}, fmt::format("{} does not return: it waits for something that never happens", routine_in_progress()), where);
  else end(kExceptionNotHandled, {}, abort_reason_text(record.reason), where);
}

std::string_view MachineKernel::routine_in_progress() {
  const CallFrame* frame = call_->frame();  // none without checks
  return frame == nullptr ? "a routine of the driver" : frame->routine;
}

// Windows gives a thread 24 KiB; drydock's stacks are larger so that this can be told.
void MachineKernel::stack_limit_exceeded(Fiber&, std::size_t bytes, const CodePlace& where) {
  board_->trace.emit(RuleBroken{"DRY-01", "0x7F/0x8", fmt::format("the driver uses {} bytes of kernel stack; Windows gives a thread 24 KiB", bytes), where});
}

// What a loop on plain memory waits for may be far away, a timer say: the longer it loops, the faster time passes in it.
static Nanoseconds forced_step(unsigned ticks) {
  constexpr unsigned kDoublings = 14;
  if (ticks <= kPatientTicks) return kForcedStep;
  return std::min(kForcedStep << std::min(ticks - kPatientTicks, kDoublings), kForcedStepMax);
}

bool MachineKernel::forced_preempt(TrapFrame& frame) {
  DriverCrossing crossing(*current_fiber, frame.rsp());
  return board_->scheduler->force_progress(forced_step(current_fiber->innermost_guard()->ticks));
}

MSABI std::uint64_t MachineKernel::missing_import(const MissingImport& which, void*) {
  auto& kernel = static_cast<MachineKernel&>(*current_machine());
  const auto* frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  const CodePlace where{frame[1], reinterpret_cast<std::uint64_t>(frame) + 16, frame[0], true};
  kernel.end(kMissingImport, {}, fmt::format("{} calls {}!{}, which drydock does not have", which.image, which.module, which.name), where);
  abort_driver_call(*kernel.current_fiber, AbortReason::bug_check);
}

}  // namespace drydock
