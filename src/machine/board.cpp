#include "machine/board.h"

#include <filesystem>

#include "devices/backing/open_store.h"

namespace drydock {

namespace {

constexpr unsigned kCpusMax = 64;
constexpr unsigned kFirstDeviceNumber = 4;
constexpr std::uint32_t kMapRegisters = 1024;
constexpr std::uint64_t kKernelStream = 0xFFFF;  // of faults: no device has that number

}  // namespace

Result<std::unique_ptr<Board>> Board::build(const Options& options, MachineHooks& hooks) {
  const auto profile = phys_profile_named(options.phys);
  if (!profile) return refuse("--phys {}: choose low, high, mixed, contiguous or literal", options.phys);
  if (options.cpus < 1 || options.cpus > kCpusMax) return refuse("--cpus {}: from 1 to {}", options.cpus, kCpusMax);
  std::unique_ptr<Board> board(new Board(options.checks != Checks::off));
  TRY(board->faults, parse_faults(options.faults));
  board->seed = options.seed;
  if (!options.driver.empty()) board->registry.name_service(std::filesystem::path(options.driver).stem().string());
  for (const std::string& text : options.registry) TRY_VOID(board->registry.set_from_text(text));
  TRY(board->memory, PhysicalMemory::create({options.memory, *profile, options.seed}));
  const std::size_t pages = board->memory->size() >> kPageShift;
  board->scheduler = std::make_unique<Scheduler>(hooks, options.cpus, options.seed);
  board->locked = std::make_unique<LockedPages>(pages);
  board->mappings = std::make_unique<SystemMappings>(*board->memory);
  board->spaces = std::make_unique<AddressSpaces>(*board->memory, *board->locked);
  board->mdls = std::make_unique<MdlBook>(*board->memory, *board->locked, *board->mappings, *board->spaces);
  if (options.checks == Checks::all) board->mdls->map_closely();
  if (!board->faults.empty()) board->kernel_faults = std::make_unique<FaultPlan>(board->faults, board->seed, kKernelStream, board->trace);
  board->pool = std::make_unique<Pool>(*board->memory, board->checking);
  board->window = std::make_unique<DmaWindow>(pages);
  const auto registers = std::min<std::uint32_t>(kMapRegisters, static_cast<std::uint32_t>(pages / 32));
  TRY(board->registers, MapRegisterPool::create(*board->memory, board->trace, {.count = registers, .checks = board->checking}));
  board->mmio = std::make_unique<MmioMap>(board->memory->slot());
  return board;
}

Result<PluggedDevice*> Board::plug(const AdapterSpec& adapter, bool read_only, FileSeam& seam) {
  auto device = std::make_unique<PluggedDevice>();
  device->spec = adapter.device;
  device->disk = adapter.disk;
  TRY_VOID(check_device(adapter.device));
  if (!faults.empty()) device->faults = std::make_unique<FaultPlan>(faults, seed, devices.size(), trace);
  if (device->faults && device->faults->plans_for_file()) device->file_seam = std::make_unique<FaultySeam>(seam, *device->faults);
  TRY(device->store, open_store(adapter.disk, read_only, device->file_seam ? *device->file_seam : seam));
  device->bus_master = std::make_unique<BusMaster>(*memory, *window, trace, checking);
  const BoardServices services{scheduler->timeline(), *device->bus_master, *device, trace, device->faults.get()};
  TRY(device->made, make_device(adapter.device, *device->store, services));
  device->slot = Bus::slot_number(kFirstDeviceNumber + static_cast<unsigned>(devices.size()), 0);
  bus.plug(device->slot, *device->made.function);
  if (device->made.function->msix_entries() != 0) device->made.function->enable_msix(true);  // before HwFindAdapter
  devices.push_back(std::move(device));
  return devices.back().get();
}

}  // namespace drydock
