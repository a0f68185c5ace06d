#include "machine/board.h"

#include "devices/backing/open_store.h"

namespace drydock {

namespace {

constexpr unsigned kCpusMax = 64;
constexpr unsigned kFirstDeviceNumber = 4;
constexpr std::uint32_t kMapRegisters = 1024;

}  // namespace

Result<std::unique_ptr<Board>> Board::build(const Options& options, MachineHooks& hooks) {
  const auto profile = phys_profile_named(options.phys);
  if (!profile) return refuse("--phys {}: choose low, high, mixed, contiguous or literal", options.phys);
  if (options.cpus < 1 || options.cpus > kCpusMax) return refuse("--cpus {}: from 1 to {}", options.cpus, kCpusMax);
  std::unique_ptr<Board> board(new Board(options.checks != Checks::off));
  for (const std::string& text : options.registry) TRY_VOID(board->registry.set_from_text(text));
  TRY(board->memory, PhysicalMemory::create({options.memory, *profile, options.seed}));
  const std::size_t pages = board->memory->size() >> kPageShift;
  board->scheduler = std::make_unique<Scheduler>(hooks, options.cpus, options.seed);
  board->locked = std::make_unique<LockedPages>(pages);
  board->mappings = std::make_unique<SystemMappings>(*board->memory);
  board->pool = std::make_unique<Pool>(*board->memory, board->checking);
  board->window = std::make_unique<DmaWindow>(pages);
  const auto registers = std::min<std::uint32_t>(kMapRegisters, static_cast<std::uint32_t>(pages / 32));
  TRY(board->registers, MapRegisterPool::create(*board->memory, board->trace, {.count = registers, .checks = board->checking}));
  board->mmio = std::make_unique<MmioMap>(board->memory->slot());
  return board;
}

Result<PluggedDevice*> Board::plug(const std::string& spec, const std::string& disk, bool read_only, FileSeam& seam) {
  auto device = std::make_unique<PluggedDevice>();
  device->spec = spec;
  TRY_VOID(check_device(spec));
  TRY(device->store, open_store(disk, read_only, seam));
  device->bus_master = std::make_unique<BusMaster>(*memory, *window, trace, checking);
  TRY(device->made, make_device(spec, *device->store, {scheduler->timeline(), *device->bus_master, *device, trace}));
  device->slot = Bus::slot_number(kFirstDeviceNumber + static_cast<unsigned>(devices.size()), 0);
  bus.plug(device->slot, *device->made.function);
  if (device->made.function->msix_entries() != 0) device->made.function->enable_msix(true);  // before HwFindAdapter
  devices.push_back(std::move(device));
  return devices.back().get();
}

}  // namespace drydock
