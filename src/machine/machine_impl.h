#pragma once
// MachineImpl: the Machine of the embedding API. See machine_impl.cpp for the order of things.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "devices/backing/file_seam.h"
#include "drydock/machine.h"
#include "kasan/instrumentation.h"
#include "machine/board.h"
#include "machine/client.h"
#include "machine/device_stack.h"
#include "machine/drivers.h"
#include "machine/kernel.h"
#include "machine/machine_disk.h"
#include "machine/self_check.h"
#include "trace/json_lines.h"
#include "verifier/finding_log.h"

namespace drydock {

/// As Machine::start, with the file's system calls going through `seam` (tests count and cut there).
Machine::Started start_machine(const Options& options, FileSeam& seam);

class MachineImpl final : public Machine, private storport::BusWatcher {
  /// A driver brought in by load().
  class LoadedOne final : public LoadedDriver {
   public:
    LoadedOne(MachineImpl& machine, Driver& driver) : machine_(machine), driver_(driver) {}
    virtual ~LoadedOne() = default;
    const std::string& name() const override { return driver_.image().name(); }
    bool unload() override;
    Driver& driver() { return driver_; }

   private:
    MachineImpl& machine_;
    Driver& driver_;
    bool unloaded_ = false;
  };


 public:
  MachineImpl(const Options& options, FileSeam& seam) : options_(options), seam_(seam) {}
  ~MachineImpl() override;
  /// False: failure_ says why.
  bool bring_up();

  std::size_t disk_count() const override {
    const std::lock_guard lock(disks_mutex_);
    return disks_.size();
  }
  Disk& disk(std::size_t index) override {
    const std::lock_guard lock(disks_mutex_);
    return *disks_[index];
  }
  bool self_check(const std::function<bool(const SelfCheckProgress&)>& progress) override;
  Loaded load(const std::string& path) override;
  using Machine::add_device;
  AddedDevice add_device(std::span<LoadedDriver* const> drivers) override;
  std::unique_ptr<Client> client(std::string name) override;
  Report report() override;
  Report stop() override;
  void cut_power() override;

  /// Pages still in use, for leak tests after stop().
  Board& board() { return *board_; }

 private:
  struct Failure {
    Outcome outcome;
    std::string message;
  };
  bool fail(Outcome outcome, std::string message);
  bool open_trace();
  bool plug_devices();
  /// Guarded memory, shadow and coverage, as the options and the driver want them. Before any of it runs.
  bool equip();
  bool guard_objects(bool wanted);
  std::string name_of_drivers() const;
  bool run_driver_entry();
  bool start_adapters();
  bool greet_devices();
  bool find_disks();
  void offer(std::unique_ptr<DiskDevice> device);
  void bus_changed(storport::Adapter& adapter, const storport::BusScope& scope) override;
  /// After work on a system thread: did the machine end? Then the failure is noted.
  bool ended(bool finished);
  void print_notes();
  CheckLevel check_level() const;
  void shut_down();
  std::optional<StartError> bring_in(Driver& driver, const std::string& path);
  NTSTATUS enter(Driver& driver);
  bool unload(Driver& driver);
  void look_for_leftovers(Driver& driver);
  void report_remnants(const Driver& driver);
  void reinitialize();
  void notify_shutdown();
  void report_pool_leaks();
  bool prepare_coverage();
  void write_coverage();
  void close_trace();
  Report make_report();
  void fill_counters(Report& report);
  AdapterReport report_of(std::size_t adapter);
  void fill_faults(Report& report);
  bool a_fault_struck() const;
  void fill_findings(Report& report);
  static void add_finding(std::vector<Finding>& findings, Finding finding);
  void try_name(Report& report);
  Limits limits_of(storport::Adapter& adapter);
  Finding finding_of(const RecordedFinding& recorded);

  Options options_;
  FileSeam& seam_;
  MachineKernel kernel_;
  std::unique_ptr<Shadow> shadow_;  ///< outlives the board, whose guarded memory marks it
  std::unique_ptr<Coverage> coverage_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<JsonLines> trace_file_;
  std::unique_ptr<Drivers> drivers_;
  Driver* driver_ = nullptr;  ///< of Options::driver; null: a bare machine
  std::unique_ptr<FindingLog> findings_;
  std::unique_ptr<Clients> clients_;
  std::vector<std::unique_ptr<LoadedOne>> loaded_;
  std::vector<PnpStack*> stacks_;  ///< that have not ended
  std::vector<std::unique_ptr<DiskDevice>> devices_;
  mutable std::mutex disks_mutex_;  ///< of the list below, which a rescan lengthens
  std::vector<std::unique_ptr<MachineDisk>> disks_;
  std::vector<Finding> self_check_findings_;
  std::vector<std::string> device_objects_;
  std::optional<Failure> failure_;
  std::optional<Report> final_;
  std::mutex no_machine_;
};

}  // namespace drydock
