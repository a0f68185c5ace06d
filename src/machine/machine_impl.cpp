// Machine: puts board, driver, kernel and clients together, starts them in the order of Windows, and tells how it went.
// DOC: ST-11

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "machine/machine_impl.h"

#include "base/check.h"
#include "machine/coverage_report.h"
#include "machine/objection.h"
#include "mem/locked_page_report.h"
#include "sched/driving_thread.h"
#include "trap/untrapped.h"

namespace drydock {

namespace {
// "0x7f/0x8": the code, and what tells its cases apart.
std::string bug_check_text(const Halt& halt) {
  return halt.first_tells_case ? fmt::format("{:#x}/{:#x}", halt.code, halt.parameters[0]) : fmt::format("{:#x}", halt.code);
}

Outcome outcome_of(const Halt& halt) { return halt.is_the_drivers ? Outcome::driver_crashed : Outcome::bad_input; }

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::clean: return "clean";
    case Outcome::findings: return "findings";
    case Outcome::bad_input: return "bad_input";
    case Outcome::refused: return "refused";
    case Outcome::driver_crashed: return "driver_crashed";
    default: return "internal_error";
  }
}

Machine::Started Machine::start(const Options& options) { return start_machine(options, system_file_seam()); }

Machine::Started start_machine(const Options& options, FileSeam& seam) {
  remember_seed(options.seed);
  auto machine = std::make_unique<MachineImpl>(options, seam);
  if (machine->bring_up()) return {std::move(machine), {}};
  Report report = machine->stop();
  StartError error{report.outcome, report.message, report};
  return {nullptr, std::move(error)};
}

MachineImpl::~MachineImpl() {
  stop();
  disks_.clear();
  devices_.clear();
  if (board_) kernel_.remove_adapters(), kernel_.end_io();  // the kernel outlives the board that these stand on
}

bool MachineImpl::fail(Outcome outcome, std::string message) {
  failure_ = Failure{outcome, std::move(message)};
  return false;
}

bool MachineImpl::bring_up() {
  auto board = Board::build(options_, kernel_);
  if (!board) return fail(Outcome::bad_input, board.error().message);
  board_ = std::move(*board);
  if (!open_trace()) return false;
  drivers_ = std::make_unique<Drivers>(*board_, kernel_);
  kernel_.attach(*board_, *drivers_, check_level());
  if (options_.checks != Checks::off) {
    findings_ = std::make_unique<FindingLog>(*drivers_);
    for (const std::string& rule : options_.allowed_rules) findings_->allow(rule);
    board_->trace.add(*findings_, false);
  }
  if (options_.double_fetch) {
    if (options_.checks == Checks::off) return fail(Outcome::bad_input, "double_fetch is a check, and checks are off");
    board_->spaces->watch_fetches(*drivers_);
  }
  clients_ = std::make_unique<Clients>(*board_, kernel_);
  if (options_.driver.empty()) return equip();
  driver_ = &drivers_->add();
  if (const auto loaded = driver_->load(options_.driver, options_.seed, &MachineKernel::missing_import, nullptr); !loaded)
    return fail(Outcome::bad_input, loaded.error().message);
  print_notes();
  if (!equip() || !plug_devices()) return false;
  board_->trace.note([&] { return MachineStarted{driver_->image().name(), board_->devices.front()->spec, options_.seed}; });
  if (!run_driver_entry()) return false;
  return driver_->miniport ? start_adapters() && find_disks() : greet_devices();
}

/// What is remarkable about the image, among the driver's own output.
void MachineImpl::print_notes() {
  const Image& image = driver_->image();
  for (const std::string& note : image.notes()) kernel_.debug_print("note: " + note);
  for (const UntrappedInstruction& one : untrapped_instructions(image.pe()))
    kernel_.debug_print(fmt::format("note: {} at {} runs on the host's processor: {}", one.name,
                                    driver_->location(image.base() + one.rva, RipKind::exact), one.consequence));
}

bool MachineImpl::equip() {
  const bool asks = driver_ != nullptr && driver_->asks_before_touching() && options_.checks != Checks::off;
  if (driver_ == nullptr) return guard_objects(options_.checks == Checks::all);
  if (!options_.lcov_file.empty() && !prepare_coverage()) return false;
  if (driver_->asks_before_touching()) shadow_ = std::make_unique<Shadow>(*board_->memory);
  if (shadow_ || driver_->tells_its_blocks()) kernel_.instrument(shadow_.get(), coverage_.get());
  return guard_objects(asks || options_.checks == Checks::all);
}

bool MachineImpl::guard_objects(bool wanted) {
  if (!wanted) return true;
  board_->guarded = std::make_unique<GuardedMemory>(*board_->memory, *drivers_, shadow_.get());
  board_->pool->guard_with(board_->guarded.get());
  return true;
}

// What would make the file empty, or lose it, is told before the run.
bool MachineImpl::prepare_coverage() {
  const Image& image = driver_->image();
  if (!driver_->tells_its_blocks())
    return fail(Outcome::bad_input, fmt::format("{}: not built for coverage, so there is nothing for --lcov (drydock-cc --coverage)", image.name()));
  if (driver_->lines_at(image.pe().entry_rva).empty())
    return fail(Outcome::bad_input, fmt::format("{}: no source lines are known for --lcov: llvm-symbolizer is missing, or the driver has no debug information", image.name()));
  if (std::FILE* file = std::fopen(options_.lcov_file.c_str(), "w")) std::fclose(file);
  else return fail(Outcome::bad_input, fmt::format("{}: {}", options_.lcov_file, strerror(errno)));
  coverage_ = std::make_unique<Coverage>(image.base(), image.size());
  return true;
}

void MachineImpl::write_coverage() {
  const std::string text = lcov_text(driver_->image().pe(), coverage_->counts(), [this](std::uint32_t rva) { return driver_->lines_at(rva); });
  std::FILE* file = std::fopen(options_.lcov_file.c_str(), "w");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if ((!written || !closed) && !failure_) fail(Outcome::bad_input, fmt::format("{}: {}", options_.lcov_file, strerror(errno)));
}

CheckLevel MachineImpl::check_level() const {
  switch (options_.checks) {
    case Checks::off: return CheckLevel::off;
    case Checks::standard: return CheckLevel::standard;
    default: return CheckLevel::all;
  }
}

bool MachineImpl::open_trace() {
  if (options_.trace_file.empty()) return true;
  auto file = JsonLines::create(options_.trace_file, [](void* s) { return static_cast<Scheduler*>(s)->now(); }, board_->scheduler.get());
  if (!file) return fail(Outcome::bad_input, file.error().message);
  trace_file_ = std::move(*file);
  board_->trace.add(*trace_file_, true);
  return true;
}

bool MachineImpl::plug_devices() {
  const auto adapters = adapters_asked(options_, board_->faults);
  if (!adapters) return fail(Outcome::bad_input, adapters.error().message);
  for (const AdapterSpec& adapter : *adapters) {
    const auto plugged = board_->plug(adapter, options_.read_only, seam_);
    if (!plugged) return fail(Outcome::bad_input, plugged.error().message);
  }
  return true;
}

bool MachineImpl::ended(bool finished) {
  if (kernel_.halt()) return !fail(outcome_of(*kernel_.halt()), kernel_.halt()->message);
  if (!finished) return !fail(Outcome::refused, name_of_drivers() + ": the driver waits for something that never happens");
  return false;
}

bool MachineImpl::run_driver_entry() {
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  if (ended(clients_->on_thread([&] { status = enter(*driver_); }))) return false;
  const std::string& name = driver_->image().name();
  if (status < 0) return fail(Outcome::refused, fmt::format("{}: DriverEntry returned {:#010x}", name, static_cast<std::uint32_t>(status)));
  if (!driver_->miniport && !options_.any_driver) return fail(Outcome::refused, name + ": DriverEntry never called StorPortInitialize: no Storport miniport");
  return true;
}

bool MachineImpl::start_adapters() {
  std::string refusal;
  const bool finished = clients_->on_thread([&] {
    for (auto& device : board_->devices) {
      storport::Adapter& adapter = kernel_.add_adapter(*driver_->miniport, *device);
      if (const auto started = adapter.start(); !started && refusal.empty()) refusal = started.error().message;
    }
  });
  if (ended(finished)) return false;
  if (!refusal.empty()) return fail(Outcome::refused, driver_->image().name() + ": " + refusal);
  return true;
}

bool MachineImpl::find_disks() {
  const bool finished = clients_->on_thread([&] {
    for (auto& adapter : kernel_.adapters()) {
      for (auto& disk : DiskDevice::discover(*adapter)) offer(std::move(disk));
      adapter->rescan().watch(*this);
    }
  });
  if (ended(finished)) return false;
  if (disks_.empty()) return fail(Outcome::refused, driver_->image().name() + ": the adapter started, but no disk answers behind it");
  return true;
}

// Behind one adapter is one device, and what it keeps its blocks in.
void MachineImpl::offer(std::unique_ptr<DiskDevice> device) {
  const auto& adapters = kernel_.adapters();
  const auto at = std::find_if(adapters.begin(), adapters.end(), [&](const auto& a) { return a.get() == &device->adapter(); });
  PluggedDevice& plugged = *board_->devices[static_cast<std::size_t>(at - adapters.begin())];
  const bool same_size = device->facts().blocks * device->facts().block_size == plugged.made.disk->size();
  auto disk = std::make_unique<MachineDisk>(*clients_, *device, *plugged.made.disk, same_size, plugged.store->moves_data());
  disk->describe(plugged.spec + " on " + plugged.disk);
  devices_.push_back(std::move(device));
  const std::lock_guard lock(disks_mutex_);
  disks_.push_back(std::move(disk));
}

// Disks that are gone stay in the list: programs hold on to them, and their numbers do not change.
void MachineImpl::bus_changed(storport::Adapter& adapter, const storport::BusScope& scope) {
  std::vector<DiskDevice*> known;
  for (auto& device : devices_)
    if (&device->adapter() == &adapter) known.push_back(device.get());
  for (auto& disk : DiskDevice::rescan(adapter, scope, known)) offer(std::move(disk));
}

bool MachineImpl::self_check(const std::function<bool(const SelfCheckProgress&)>& progress) {
  const std::size_t count = disks_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string which = count > 1 ? fmt::format(" (disk{})", i) : "";
    const SelfCheckWatcher watcher{
        [&](const SelfCheckProgress& p) { return !progress || progress({i * p.total + p.done, count * p.total, p.what}); },
        [&](std::string text) {
          if (!kernel_.halt()) self_check_findings_.push_back({"self-check", "", std::move(text) + which, "", {}, 1, "", "", 0});
        },
        [&] { return a_fault_struck(); }};
    if (!run_self_check(*disks_[i], options_.seed + i, watcher)) return false;
  }
  return true;
}

bool MachineImpl::a_fault_struck() const {
  const auto struck = [](const FaultPlan& plan) {
    const auto points = fault_descriptions();
    return std::any_of(points.begin(), points.end(), [&](const FaultDescription& d) { return plan.count(d.point).strikes != 0; });
  };
  return (board_->kernel_faults && struck(*board_->kernel_faults)) ||
         std::any_of(board_->devices.begin(), board_->devices.end(), [&](const auto& d) { return d->faults && struck(*d->faults); });
}

// --- the end ---------------------------------------------------------------------------------------------------------------

Report MachineImpl::report() {
  const std::lock_guard lock(clients_ ? clients_->machine_mutex() : no_machine_);
  return make_report();
}

void MachineImpl::shut_down() {
  for (PnpStack* stack : stacks_)
    if (!stack->removed() && !kernel_.halt()) stack->remove();
  if (!kernel_.halt()) notify_shutdown();
  while (!loaded_.empty() && !kernel_.halt()) {
    loaded_.back()->unload();
    loaded_.pop_back();
  }
  if (!failure_ && !kernel_.halt())
    clients_->on_thread([&] {
      for (auto& adapter : kernel_.adapters()) adapter->rescan().end();
      for (auto& device : devices_)
        if (!device->gone()) device->shut_down();
      for (auto& adapter : kernel_.adapters()) adapter->stop();
    });
  if (!kernel_.halt())
    clients_->on_thread([&] {
      for (auto& adapter : kernel_.adapters()) adapter->remove();
      if (driver_ != nullptr && unload(*driver_) && !driver_->miniport) look_for_leftovers(*driver_);
    });
  if (driver_ != nullptr && !kernel_.halt()) report_remnants(*driver_);
  if (findings_ && !kernel_.halt()) {
    report_locked_pages(board_->trace, *board_->mdls);
    report_pool_leaks();
  }
}

// DOC: VER-152 what the kernel still uses of a driver that is gone. Nothing of it happens any more.
void MachineImpl::report_remnants(const Driver& driver) {
  if (!driver.loaded()) return;
  for (const auto& [address, memory] : kernel_.contiguous())
    if (driver.contains(memory.where().rip, 1))
      board_->trace.emit(RuleBroken{"ST-57", "", fmt::format("{} bytes of contiguous memory were never freed", memory.bytes()), memory.where()});
  if (!kernel_.has_objects()) return;
  for (const Remnant& remnant : kernel_.objects().evict_image(driver.image().base(), driver.image().size()))
    board_->trace.emit(RuleBroken{"VER-152", remnant.code, fmt::format("{} was unloaded and left {}", driver.image().name(), remnant.what), remnant.where});
}

// DOC: ST-57 VER-180 what a driver allocated and did not free.
void MachineImpl::report_pool_leaks() {
  board_->pool->for_each_live([&](const PoolBlock& block) {
    if (block.place.rip == 0) return;  // drydock's own
    const Driver* driver = drivers_->at(block.place.rip);
    const bool of_miniport = driver == nullptr || driver->miniport;
    findings_->report(of_miniport ? "ST-57" : "VER-180", of_miniport ? "" : "0xC4/0x62", fmt::format("{} bytes of pool were never freed", block.bytes), block.place);
  });
}

Report MachineImpl::stop() {
  if (final_) return *final_;
  if (clients_) {
    shut_down();
    for (auto& device : board_->devices)
      if (device->faults) device->faults->end();
    for (auto& device : board_->devices)
      if (device->made.disk != nullptr)
        if (const int error = device->made.disk->power_off(); error != 0 && !failure_) fail(Outcome::bad_input, "the disk cannot be written back: " + std::string(strerror(error)));
  }
  if (coverage_) write_coverage();
  final_ = make_report();
  if (clients_) {
    const std::lock_guard lock(clients_->machine_mutex());
    if (!kernel_.halt()) {
      disks_.clear();
      devices_.clear();
      kernel_.remove_adapters();
    }
  }
  if (trace_file_) close_trace();
  return *final_;
}

// The report is made already: adapters are traced to their end.
void MachineImpl::close_trace() {
  board_->trace.remove(*trace_file_);
  const int error = trace_file_->finish();
  trace_file_.reset();
  if (error == 0 || final_->outcome >= Outcome::bad_input) return;
  final_->outcome = Outcome::bad_input;
  final_->message = fmt::format("cannot write the trace file {}: {}", options_.trace_file, strerror(error));
}

void MachineImpl::cut_power() {
  if (final_) return;
  const std::lock_guard lock(clients_->machine_mutex());
  for (auto& device : board_->devices) device->made.disk->cut_power();
  final_ = make_report();
}

Report MachineImpl::make_report() {
  Report report;
  if (failure_) report.message = failure_->message;
  if (kernel_.halt() && !failure_) report.message = kernel_.halt()->message;
  if (board_) fill_counters(report);
  if (drivers_) fill_findings(report);
  report.outcome = failure_ ? failure_->outcome
                   : kernel_.halt() ? outcome_of(*kernel_.halt())
                   : report.findings.empty() ? Outcome::clean : Outcome::findings;
  for (const std::string& line : kernel_.debug_lines()) report.debug_output.push_back(line);
  return report;
}

void MachineImpl::fill_counters(Report& report) {
  report.port = driver_ != nullptr && driver_->miniport ? "storport" : kNoPort;
  report.device_objects = device_objects_;
  report.virtual_nanoseconds = board_->scheduler->now();
  report.traps = kernel_.traps();
  for (std::size_t i = 0; i < board_->devices.size(); ++i) {
    const AdapterReport adapter = report.adapters.emplace_back(report_of(i));
    if (i > 0) report.device += " ";
    report.device += adapter.device;
    report.ios += adapter.ios, report.bytes += adapter.bytes, report.reads += adapter.reads, report.writes += adapter.writes;
    report.flushes += adapter.flushes, report.trims += adapter.trims;
    report.bounced_pages += adapter.bounced_pages, report.interrupts += adapter.interrupts;
  }
  fill_faults(report);
  for (auto& disk : devices_) report.failed += disk->failed();
  std::uint64_t elements = 0, lists = 0;
  for (auto& adapter : kernel_.adapters()) {
    const storport::Statistics& s = adapter->statistics();
    elements += s.elements, lists += s.lists;
    report.sg_max = std::max(report.sg_max, s.elements_max);
    if (s.lists != 0) report.sg_min = report.sg_min == 0 ? s.elements_min : std::min(report.sg_min, s.elements_min);
  }
  report.sg_mean = lists == 0 ? 0 : static_cast<double>(elements) / static_cast<double>(lists);
  if (!report.adapters.empty()) report.limits = report.adapters.front().limits;
}

// The adapter of a device that was never started has counted nothing.
AdapterReport MachineImpl::report_of(std::size_t index) {
  const PluggedDevice& device = *board_->devices[index];
  AdapterReport report;
  report.device = device.spec;
  report.disk = device.disk;
  if (device.made.disk != nullptr) report.flushes = device.made.disk->statistics().flushes, report.trims = device.made.disk->statistics().discards;
  if (index >= kernel_.adapters().size()) return report;
  storport::Adapter& adapter = *kernel_.adapters()[index];
  const storport::Statistics& s = adapter.statistics();
  report.limits = limits_of(adapter);
  report.ios = s.ios, report.bytes = s.bytes, report.reads = s.reads, report.writes = s.writes;
  report.bounced_pages = s.bounced_pages, report.interrupts = s.interrupts;
  return report;
}

void MachineImpl::fill_faults(Report& report) {
  for (const FaultSpec& fault : board_->faults) {
    FaultCount total{std::string(describe(fault.point).name)};
    for (auto& device : board_->devices) {
      const FaultPlan::Count& count = device->faults->count(fault.point);
      total.opportunities += count.opportunities, total.strikes += count.strikes;
    }
    const FaultPlan::Count& count = board_->kernel_faults->count(fault.point);
    total.opportunities += count.opportunities, total.strikes += count.strikes;
    report.faults.push_back(std::move(total));
  }
}

Limits MachineImpl::limits_of(storport::Adapter& adapter) {
  const storport::Claims& c = adapter.claims();
  Limits limits;
  limits.maximum_transfer_length = c.claimed_transfer_max;
  limits.physical_breaks = c.breaks;
  limits.alignment_mask = c.alignment_mask;
  limits.queue_depth = adapter.deepest_queue();
  limits.targets = c.targets;
  limits.luns = c.luns;
  limits.map_buffers = storport::map_buffers_text(c.map_buffers);
  limits.synchronization = c.full_duplex ? "StorSynchronizeFullDuplex" : "StorSynchronizeHalfDuplex";
  limits.dma = c.highest_data > 0xFFFF'FFFF ? "64-bit" : "32-bit";
  limits.srb = c.storage_srb ? "STORAGE_REQUEST_BLOCK" : "SCSI_REQUEST_BLOCK";
  limits.caches_data = c.caches_data;
  limits.interrupt_messages = adapter.messages();
  return limits;
}

Finding MachineImpl::finding_of(const RecordedFinding& recorded) {
  Finding finding{recorded.rule, recorded.code, recorded.message, "", {}, recorded.count, recorded.second, "", 0};
  for (std::size_t i = 0; i < recorded.stack.size(); ++i) {
    const RipKind kind = i == 0 && !recorded.first_is_return ? RipKind::exact : RipKind::return_address;
    finding.stack.push_back(drivers_->frame_text(recorded.stack[i], kind));
    if (i != 0) continue;
    finding.driver_location = drivers_->location(recorded.stack[i], kind);
    const SourceLocation source = drivers_->source(recorded.stack[i], kind);
    finding.source_file = source.file_path, finding.source_line = source.line;
  }
  for (const RelatedStack& related : recorded.related) {
    RelatedFrames frames{std::string(related.what), {}};
    for (std::size_t i = 0; i < related.stack.size(); ++i)
      frames.stack.push_back(drivers_->frame_text(related.stack[i], i == 0 && !related.first_is_return ? RipKind::exact : RipKind::return_address));
    finding.related.push_back(std::move(frames));
  }
  return finding;
}

// A line of the driver may be several places (an inlined or unrolled call): in the report it is one.
void MachineImpl::add_finding(std::vector<Finding>& findings, Finding finding) {
  const auto same = std::find_if(findings.begin(), findings.end(), [&](const Finding& f) {
    return f.rule == finding.rule && f.code == finding.code && !f.driver_location.empty() && f.driver_location == finding.driver_location;
  });
  if (same == findings.end()) return findings.push_back(std::move(finding));
  if (same->count == 1 && same->message != finding.message) same->second = finding.message;
  same->count += finding.count;
}

void MachineImpl::fill_findings(Report& report) {
  try_name(report);
  if (findings_)
    for (const auto& [rule, count] : findings_->allowed()) report.allowed.push_back({rule, count});
  if (findings_)
    for (const RecordedFinding& recorded : findings_->findings()) add_finding(report.findings, finding_of(recorded));
  for (const Finding& finding : self_check_findings_) report.findings.push_back(finding);
  if (const auto& halt = kernel_.halt(); halt && halt->is_the_drivers) {
    report.findings.push_back(finding_of({"bug check", bug_check_text(*halt), halt->message, halt->stack, halt->first_is_return, 1, ""}));
    report.findings.back().parameters.assign(halt->parameters.begin(), halt->parameters.end());
  }
}

std::string MachineImpl::name_of_drivers() const {
  std::string names;
  for (const auto& driver : drivers_->all())
    if (driver->loaded()) names += (names.empty() ? "" : ", ") + driver->image().name();
  return names;
}

void MachineImpl::try_name(Report& report) {
  if (options_.driver.empty()) {
    report.driver = name_of_drivers();
    return;
  }
  const auto slash = options_.driver.find_last_of('/');
  report.driver = slash == std::string::npos ? options_.driver : options_.driver.substr(slash + 1);
}

}  // namespace drydock
