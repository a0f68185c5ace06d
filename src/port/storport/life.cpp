// The life of an adapter: extension, HwStorFindAdapter, HwStorInitialize, interrupts, stop and remove. DOC: ST-11

#include <algorithm>
#include <cstring>

#include "port/storport/adapter.h"

namespace drydock::storport {

namespace {

constexpr std::uint32_t kMessageIrqVectorBase = 0x60;
constexpr std::uint64_t kMessageAddress = 0xFEE0'0000;
constexpr std::uint32_t kControlTypesMax = 64;
constexpr std::uint32_t kConfigSize = 256;  // of a PCI function, without the extended space

}  // namespace

Adapter::Adapter(const Services& services, const Miniport& miniport, PciFunction& function, unsigned slot,
                 unsigned port_number)
    : s_(services), miniport_(miniport), function_(function), slot_(slot), port_number_(port_number),
      deferred_(std::make_unique<DeferredWork>(*this)), line_(*this), timeout_(*this, &Adapter::check_timeouts),
      hold_end_(*this, &Adapter::end_holds),
      restart_(*this, &Adapter::start_waiting_everywhere), timer_(*this, &Adapter::run_timer) {
  for (unsigned cpu = 0; cpu < s_.scheduler.cpu_count(); ++cpu)
    completion_.push_back(std::make_unique<CompletionDpc>(*this));
}

Adapter::~Adapter() {
  for (auto& dpc : completion_) s_.scheduler.cancel_dpc(*dpc);
  disconnect_interrupts();
  if (pool_)
    for (auto& request : pool_->all()) s_.registers.stop_waiting(*request);
  pool_.reset();
  for (auto& unit : units_)
    if (unit->extension != nullptr) (void)s_.pool.free(unit->extension);
  for (const std::uint64_t address : mapped_registers_) s_.mmio.unmap(address);
  if (registry_buffer != nullptr) (void)s_.pool.free(registry_buffer);
  if (config_pages_.count != 0) s_.memory.free(config_pages_);
}

Result<void> Adapter::start() {
  TRY_VOID(allocate_extension());
  Result<void> started = find_adapter();
  if (started) started = initialize();
  phase_ = started ? Phase::running : Phase::created;
  if (started) query_control_types();
  return started;
}

// DOC: ST-21 zeroed once. StorPortGetPhysicalAddress translates the device extension, so it is contiguous and DMA-safe.
Result<void> Adapter::allocate_extension() {
  const std::uint32_t bytes = miniport_.data.DeviceExtensionSize;
  extension_memory_ = DriverMemory::take(s_, "device extension", bytes, {.highest = 0xFFFF'FFFF}, false, {});
  const auto config = s_.memory.allocate(1);
  if (config) config_pages_ = *config;
  if (!extension_memory_ || !config) return refuse("no memory for a device extension of {} bytes (DeviceExtensionSize)", bytes);
  extension_ = extension_memory_->address();
  config_ = reinterpret_cast<PORT_CONFIGURATION_INFORMATION*>(s_.memory.system(config->first));
  return {};
}

Result<void> Adapter::find_adapter() {
  resources_ = resources_of(function_, slot_);
  auto* ranges = reinterpret_cast<ACCESS_RANGE*>(config_ + 1);
  preset(*config_, miniport_.data, resources_, ranges, function_.msix_enabled());
  BOOLEAN again = FALSE;
  phase_ = Phase::find_adapter;
  auto* arguments = reinterpret_cast<CHAR*>(ranges + kAccessRangesMax);
  *arguments = 0;
  const ULONG found = s_.call("HwStorFindAdapter", EntryKind::routine, miniport_.data.HwFindAdapter, extension_, nullptr,
                              nullptr, arguments, config_, &again);
  switch (found) {  // DOC: VER-94
    case SP_RETURN_FOUND: break;
    case SP_RETURN_NOT_FOUND: return refuse("HwStorFindAdapter returned SP_RETURN_NOT_FOUND");
    case SP_RETURN_ERROR: return refuse("HwStorFindAdapter returned SP_RETURN_ERROR");
    case SP_RETURN_BAD_CONFIG: return refuse("HwStorFindAdapter returned SP_RETURN_BAD_CONFIG");
    default:
      s_.trace.emit(RuleBroken{"VER-94", "", fmt::format("HwStorFindAdapter returned {}, which is no SP_RETURN_ value", found), {}});
      return refuse("HwStorFindAdapter returned {}", found);
  }
  claims_ = read_claims(*config_, miniport_.data);
  if (s_.checking()) check_claims(*config_, miniport_.data, claims_, s_.trace);
  return {};
}

Result<void> Adapter::initialize() {
  const Srb::Form form = claims_.storage_srb ? Srb::Form::storage : Srb::Form::scsi;
  const SlotLayout layout = SlotLayout::plan(form, claims_.breaks, claims_.extension_bytes, s_.pool.guarded() != nullptr);
  pool_ = std::make_unique<RequestPool>(s_.memory, s_.window, layout, claims_.highest_common, s_.checking(),
                                        s_.pool.guarded() != nullptr ? s_.pool.guarded()->marks() : nullptr);
  if (s_.call.checks() == CheckLevel::all) pool_->look_closely();
  DmaAdapter::Options dma;
  dma.reach.highest = claims_.highest_data;
  dma.reach.elements_max = claims_.breaks;
  dma.enforce = s_.checking();
  dma_ = std::make_unique<DmaAdapter>(s_.memory, s_.window, s_.registers, s_.trace, dma);
  claims_.transfer_max = std::min<std::uint32_t>(claims_.transfer_max, (s_.registers.count() - 1) << kPageShift);
  connect_interrupts();

  phase_ = Phase::initialize;
  const Irql outer = s_.scheduler.raise_irql(kDeviceLevel);  // DOC: ST-91 at DIRQL, DOC: ST-77 under the interrupt lock
  lock_interrupts({});
  const BOOLEAN ready = s_.call("HwStorInitialize", EntryKind::routine, miniport_.data.HwInitialize, extension_);
  unlock_interrupts();
  s_.scheduler.lower_irql(outer);
  if (!ready) return refuse("HwStorInitialize returned FALSE");
  if (passive_routine_ == nullptr) return {};
  phase_ = Phase::passive_initialize;  // DOC: ST-92 at PASSIVE_LEVEL, after HwStorInitialize
  if (!s_.call("HwStorPassiveInitializeRoutine", EntryKind::routine, passive_routine_, extension_))
    return refuse("HwStorPassiveInitializeRoutine returned FALSE");
  return {};
}

// --- interrupts -----------------------------------------------------------------------------------------------------------

// Message 0 goes to CPU 0 (configuration changes, by custom); the others are dealt round over the CPUs.
void Adapter::connect_interrupts() {
  interrupts_connected_ = true;
  if (!function_.msix_enabled() || !claims_.message_routine) {
    if (function_.msix_enabled()) function_.enable_msix(false);
    return follow_line();
  }
  for (unsigned i = 0; i < function_.msix_entries(); ++i) {
    const unsigned cpu = i == 0 ? 0 : (i - 1) % s_.scheduler.cpu_count();
    messages_.push_back(std::make_unique<Message>(*this, i, cpu));
    function_.program_msix(i, kMessageAddress | cpu << 12, kMessageIrqVectorBase + i);
  }
  message_count_ = function_.msix_entries();
}

void Adapter::disconnect_interrupts() {
  for (auto& message : messages_) s_.scheduler.withdraw_interrupt(*message);
  interrupts_connected_ = false;
  follow_line();
}

void Adapter::message_arrived(std::uint32_t vector) {
  const std::uint32_t index = vector - kMessageIrqVectorBase;
  if (interrupts_connected_ && index < messages_.size()) s_.scheduler.raise_interrupt(*messages_[index]);
}

void Adapter::line_changed(bool asserted) {
  line_level_ = asserted;
  follow_line();
}

// A level is served while it is held, by an adapter without messages; what ends before it is served was never seen.
void Adapter::follow_line() {
  line_.asserted = line_level_ && interrupts_connected_ && messages_.empty();
  if (line_.asserted) s_.scheduler.raise_interrupt(line_);
  else s_.scheduler.withdraw_interrupt(line_);
}

// DOC: ST-99 HwMSInterruptRoutine under the interrupt lock, or the message's own with per-message synchronisation.
void Adapter::Message::service() {
  Adapter& a = adapter_;
  ++a.statistics_.interrupts;
  a.s_.trace.note([&] { return InterruptDelivered{number_, cpu_index}; });
  PortLock& guard = a.interrupt_lock(number_);
  a.check_acquired(guard.acquire(a.s_.scheduler), "message", {});
  a.s_.call("HwMSInterruptRoutine", EntryKind::isr, a.config_->HwMSInterruptRoutine, a.extension_, ULONG{number_});
  guard.release();
}

// DOC: ST-90 the routine says FALSE when its HBA did not interrupt. A level nobody claims would be served for ever.
void Adapter::Line::service() {
  constexpr unsigned kUnclaimedMax = 1000;
  Adapter& a = adapter_;
  ++a.statistics_.interrupts;
  a.s_.trace.note([&] { return InterruptDelivered{0, cpu_index}; });
  a.check_acquired(a.interrupt_lock_.acquire(a.s_.scheduler), "interrupt", {});
  const BOOLEAN mine = a.s_.call("HwStorInterrupt", EntryKind::isr, a.miniport_.data.HwInterrupt, a.extension_);
  a.interrupt_lock_.release();
  unclaimed_ = mine || !a.line_level_ ? 0 : unclaimed_ + 1;
  if (unclaimed_ < kUnclaimedMax) return;
  asserted = false;
  unclaimed_ = 0;
  a.s_.trace.emit(RuleBroken{"ST-90", "", "HwStorInterrupt returned FALSE 1000 times while its HBA held the interrupt line", {}});
}

bool Adapter::message_information(std::uint32_t message, MESSAGE_INTERRUPT_INFORMATION& to) const {
  if (message >= messages_.size()) return false;
  std::memset(&to, 0, sizeof to);
  to.MessageId = message;
  to.MessageData = kMessageIrqVectorBase + message;
  to.MessageAddress.QuadPart = static_cast<LONGLONG>(kMessageAddress | messages_[message]->cpu_index << 12);
  to.InterruptVector = kMessageIrqVectorBase + message;
  to.InterruptLevel = kDeviceLevel;
  to.InterruptMode = Latched;
  return true;
}

// --- control ----------------------------------------------------------------------------------------------------------------

// DOC: ST-170 the list is preset FALSE and has room for MaxControlType entries.
void Adapter::query_control_types() {
  struct List {
    ULONG count;
    BOOLEAN supported[kControlTypesMax];
  };
  auto* list = reinterpret_cast<List*>(reinterpret_cast<std::byte*>(config_) + kPageSize - sizeof(List));
  std::memset(list, 0, sizeof *list);
  list->count = ScsiNvmeofAdapterOperation + 1;
  control_types_.assign(list->count, false);
  if (miniport_.data.HwAdapterControl == nullptr) return;
  const auto status = s_.call("HwStorAdapterControl", EntryKind::routine, miniport_.data.HwAdapterControl, extension_,
                              ScsiQuerySupportedControlTypes, list);
  if (status != ScsiAdapterControlSuccess)
    s_.trace.emit(RuleBroken{"ST-170", "", "HwStorAdapterControl failed ScsiQuerySupportedControlTypes", {}});
  for (std::size_t i = 0; i < control_types_.size(); ++i) control_types_[i] = list->supported[i] != 0;
}

// DOC: ST-171 Stop and Restart at DIRQL; DOC: H-21 with no lock held.
bool Adapter::control(SCSI_ADAPTER_CONTROL_TYPE type) {
  if (static_cast<std::size_t>(type) >= control_types_.size() || !control_types_[static_cast<std::size_t>(type)]) return false;
  const bool device_level = type == ScsiStopAdapter || type == ScsiRestartAdapter;
  const Irql outer = s_.scheduler.irql();
  if (device_level) s_.scheduler.raise_irql(kDeviceLevel);
  const auto status = s_.call("HwStorAdapterControl", EntryKind::routine, miniport_.data.HwAdapterControl, extension_, type, nullptr);
  if (device_level) s_.scheduler.lower_irql(outer);
  return status == ScsiAdapterControlSuccess;
}

// DOC: ST-177 ScsiAdapterSurpriseRemoval, below DISPATCH_LEVEL, to who supports it
// ASSUMED: SRB_FUNCTION_PNP with StorSurpriseRemoval is not sent; no page says which of the two a miniport gets (test Departure.IsNotToldToWhoDoesNot)
void Adapter::surprise_removed() {
  phase_ = Phase::departed;
  fail_waiting();
  control(ScsiAdapterSurpriseRemoval);
}

// Requests that the miniport has are waited for: their time-outs see to it that this ends.
void Adapter::stop() {
  departure_.end();
  if (phase_ != Phase::running && phase_ != Phase::departed) return;
  rescan_.end();
  phase_ = Phase::stopping;
  fail_waiting();
  if (outstanding_ != 0) {
    waits_for_last_ = s_.scheduler.thread();
    s_.scheduler.block();
  }
  control(ScsiStopAdapter);
  phase_ = Phase::stopped;
}

void Adapter::remove() {
  departure_.end();
  rescan_.end();
  for (DelayedCall* each : {&timer_, &timeout_, &hold_end_, &restart_}) each->cancel();
  deferred_->stop();
  built_lists_.stop();
  disconnect_interrupts();
  report_leaks();
  phase_ = Phase::removed;
}

void Adapter::report_leaks() {
  if (!s_.checking()) return;
  for (auto& leak : deferred_->leaks()) s_.trace.emit(RuleBroken{"ST-96", "", std::move(leak.what), leak.where});
  for (auto& [text, where] : waiting_.leaks()) s_.trace.emit(RuleBroken{"ST-194", "", std::move(text), where});
  for (const CodePlace& where : built_lists_.leaks())
    s_.trace.emit(RuleBroken{"ST-48", "", "a list from StorPortBuildScatterGatherList was never given to StorPortPutScatterGatherList", where});
  for (const DriverMemory& common : common_)
    s_.trace.emit(RuleBroken{"ST-58", "", fmt::format("{} bytes from StorPortAllocateContiguousMemorySpecifyCacheNode never freed", common.bytes()), {common.where().rip, 0, 0, common.where().is_return_address}});
  for (const auto* memory : {&extension_memory_, &uncached_})
    if (*memory) (*memory)->check({});
  if (pool_) pool_->check(s_.trace);
  for (Request* r = oldest_; r != nullptr; r = r->newer)
    s_.trace.emit(RuleBroken{"ST-121", "", fmt::format("SRB {} was never completed", r->serial), {}});
}

// --- resources ----------------------------------------------------------------------------------------------------------------

// DOC: ST-58 contiguous memory for the device, to be freed with the size it was asked with.
void* Adapter::allocate_common(std::uint64_t bytes, const ContiguousLimits& limits, CodePlace where) {
  auto memory = DriverMemory::take(s_, "contiguous memory", bytes, limits, true, where);
  if (!memory) return nullptr;
  common_.push_back(std::move(*memory));
  return common_.back().address();
}

bool Adapter::free_common(const void* address, std::uint64_t bytes, CodePlace where) {
  const auto at = std::find_if(common_.begin(), common_.end(), [&](const DriverMemory& c) { return c.address() == address && c.bytes() == bytes; });
  if (at == common_.end()) return false;
  at->check(where);
  at->end_at(where);
  common_.erase(at);
  return true;
}

// DOC: ST-53
void* Adapter::invert(std::uint32_t page, std::uint64_t offset) const {
  if (uncached_ && uncached_->has_page(page)) return static_cast<std::byte*>(uncached_->address()) + uncached_->offset_of(page, offset);
  const std::uint64_t address = s_.memory.address(View::lent, page) + offset;
  const Request* request = find_slot(address);
  const auto first = request == nullptr ? 0 : reinterpret_cast<std::uint64_t>(request->extension_driver);
  return request != nullptr && address - first < claims_.extension_bytes ? reinterpret_cast<void*>(address) : nullptr;
}

// DOC: ST-54 VER-42
void* Adapter::uncached_extension(PORT_CONFIGURATION_INFORMATION& config, std::uint32_t bytes, CodePlace where) {
  const auto broken = [&](const char* what) {
    s_.trace.emit(RuleBroken{"VER-42", "0xF1/0x2002", fmt::format("StorPortGetUncachedExtension {}", what), where});
  };
  if (!in_find_adapter()) {
    broken("was called outside HwStorFindAdapter");
    return nullptr;
  }
  if (!config.Master) broken("was called for an adapter that is no bus master");
  if (config.SrbExtensionSize == 0) broken("was called before SrbExtensionSize was set");
  if (uncached_) return uncached_->address();
  if (bytes == 0) return nullptr;
  const Claims claims = read_claims(config, miniport_.data);
  uncached_ = DriverMemory::take(s_, "uncached extension", bytes, {.highest = std::min<std::uint64_t>(claims.highest_common, 0xFFFF'FFFF)}, true, where);
  return uncached_ ? uncached_->address() : nullptr;
}

// DOC: ST-191 VER-43 only ranges that PnP assigned.
void* Adapter::map_registers(std::uint64_t bus_address, std::uint32_t bytes, bool io_space, CodePlace where) {
  for (unsigned i = 0; i < PciFunction::kBars; ++i) {
    const PciBar& bar = function_.bar(i);
    if (bar.size == 0 || bar.memory == io_space || bus_address - bar.address >= bar.size) continue;
    const auto offset = static_cast<std::uint32_t>(bus_address - bar.address);
    if (bytes > bar.size - offset) break;
    if (io_space) return reinterpret_cast<void*>(bus_address);
    mapped_registers_.push_back(s_.mmio.map(function_, i, offset, bytes));
    return reinterpret_cast<void*>(mapped_registers_.back());
  }
  s_.trace.emit(RuleBroken{"VER-43", "0xF1/0x2003",
                           fmt::format("StorPortGetDeviceBase asked for {:#x}+{:#x}, which PnP did not assign to the adapter",
                                       bus_address, bytes), where});
  return nullptr;
}

bool Adapter::unmap_registers(std::uint64_t address) {
  std::erase(mapped_registers_, address);
  return s_.mmio.unmap(address);
}

std::uint32_t Adapter::read_config(void* to, std::uint32_t slot, std::uint32_t offset, std::uint32_t length) {
  PciFunction* function = s_.bus.function(slot);
  if (function == nullptr) {
    const std::uint16_t invalid = 0xFFFF;  // PCI_INVALID_VENDOR_ID
    std::memcpy(to, &invalid, std::min<std::size_t>(length, sizeof invalid));
    return 2;
  }
  const std::uint32_t count = offset >= kConfigSize ? 0 : std::min(length, kConfigSize - offset);
  if (function->gone()) return std::memset(to, 0xFF, count), count;
  std::memcpy(to, function->config().data() + offset, count);
  return count;
}

std::uint32_t Adapter::write_config(const void* from, std::uint32_t slot, std::uint32_t offset, std::uint32_t length) {
  PciFunction* function = s_.bus.function(slot);
  if (function == nullptr || offset >= kConfigSize) return 0;
  length = std::min(length, kConfigSize - offset);
  const auto* bytes = static_cast<const std::uint8_t*>(from);
  for (std::uint32_t i = 0; i < length; ++i) function->write_config(offset + i, 1, bytes[i]);
  return length;
}

// DOC: ST-32 only while the adapter is initialised.
bool Adapter::update_ios_max(std::uint32_t count) {
  if (!in_initialization()) return false;
  claims_.ios_max = count;
  claims_.ios_per_unit = std::min(claims_.ios_per_unit, count);
  claims_.initial_depth = std::min(claims_.initial_depth, count);
  return true;
}

bool Adapter::enable_passive_initialization(PHW_PASSIVE_INITIALIZE_ROUTINE routine) {
  if (phase_ != Phase::initialize) return false;  // DOC: ST-92 VER-97
  passive_routine_ = routine;
  return true;
}

// --- performance options --------------------------------------------------------------------------------------------------------

ULONG Adapter::supported_performance_options() const {
  constexpr ULONG kAlways = STOR_PERF_DPC_REDIRECTION | STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO | STOR_PERF_DPC_REDIRECTION_CURRENT_CPU;
  constexpr ULONG kOfMessages = STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_ADV_CONFIG_LOCALITY;
  return messages_.size() > 1 ? kAlways | kOfMessages : kAlways;
}

// DOC: ST-102
std::uint32_t Adapter::performance_options(bool query, PERF_CONFIGURATION_DATA& data) {
  if (!in_initialization()) return STOR_STATUS_UNSUCCESSFUL;
  if (!query) return set_performance_options(data) ? STOR_STATUS_SUCCESS : STOR_STATUS_UNSUCCESSFUL;
  data.Flags = supported_performance_options();
  data.ConcurrentChannels = 1;
  return STOR_STATUS_SUCCESS;
}

bool Adapter::set_performance_options(const PERF_CONFIGURATION_DATA& data) {
  constexpr ULONG kNeedRedirection = STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO |
                                     STOR_PERF_DPC_REDIRECTION_CURRENT_CPU | STOR_PERF_ADV_CONFIG_LOCALITY;
  const auto has = [&](ULONG flags) { return (data.Flags & flags) != 0; };
  if (has(~supported_performance_options())) return false;
  if (has(kNeedRedirection) && !has(STOR_PERF_DPC_REDIRECTION)) return false;
  if (has(STOR_PERF_ADV_CONFIG_LOCALITY) && !has(STOR_PERF_INTERRUPT_MESSAGE_RANGES)) return false;
  if (has(STOR_PERF_INTERRUPT_MESSAGE_RANGES) &&
      (data.FirstRedirectionMessageNumber > data.LastRedirectionMessageNumber || data.LastRedirectionMessageNumber >= messages_.size()))
    return false;
  if (has(STOR_PERF_ADV_CONFIG_LOCALITY) && !tell_message_targets(data)) return false;
  performance_ = data;
  return true;
}

// The array is the miniport's, one entry for each message of the range.
bool Adapter::tell_message_targets(const PERF_CONFIGURATION_DATA& data) {
  const ULONG count = data.LastRedirectionMessageNumber - data.FirstRedirectionMessageNumber + 1;
  const auto place = s_.memory.find(data.MessageTargets);
  if (!place || place->offset + count * sizeof(GROUP_AFFINITY) > s_.memory.size()) return false;
  GROUP_AFFINITY* targets = s_.memory.alias(data.MessageTargets);
  for (ULONG i = 0; i < count; ++i) {
    targets[i] = {};
    targets[i].Mask = KAFFINITY{1} << messages_[data.FirstRedirectionMessageNumber + i]->cpu_index;
  }
  return true;
}

// The message whose interrupts this CPU takes, so that a request completes where it was started.
std::uint32_t Adapter::message_for_cpu(unsigned cpu) const {
  if (!(performance_.Flags & STOR_PERF_INTERRUPT_MESSAGE_RANGES)) return 0;
  const std::uint32_t first = performance_.FirstRedirectionMessageNumber;
  const std::uint32_t last = performance_.LastRedirectionMessageNumber;
  for (std::uint32_t i = first; i <= last; ++i)
    if (messages_[i]->cpu_index == cpu) return i;
  return first + cpu % (last - first + 1);
}

}  // namespace drydock::storport
