#pragma once
// A SCSI target behind the miniport of a test: disks in memory that answer CDBs as SPC and SBC say, and go wrong as a test
// wants. For tests.

#include <cstring>
#include <map>

#include "disk/disk_device.h"
#include "port/storport/port_for_tests.h"

namespace drydock {

struct DiskForTests {
  std::uint64_t blocks = 4096;
  std::uint32_t block_size = 512;
  std::uint8_t first_byte = 0x00;   ///< of the INQUIRY data: qualifier and type
  std::string product = "Test disk";
  bool capacity_16 = true, provisioned = true, read_only = false, fua = true, cache = true, reports_luns = true;
  std::uint32_t unmap_max = 100;
  std::uint64_t write_same_max = 0;
  std::map<std::uint64_t, std::vector<std::byte>> data;  ///< by block
};

class TargetForTests : public storport::PortForTests {
 protected:
  using Request = storport::Request;
  struct Command {
    std::uint8_t function, opcode, lun;
    std::uint64_t block;
    std::uint32_t blocks, length, timeout;
    bool fua, unmap;
  };
  struct Answer {
    std::uint8_t srb_status = SRB_STATUS_SUCCESS, scsi_status = 0;
    std::uint8_t key = 0, code = 0, qualifier = 0;  ///< sense, with CHECK CONDITION
    std::uint32_t short_by = 0;
  };

  TargetForTests() {
    driver.start = [this](void* srb) { execute(of(srb)); };
  }
  ~TargetForTests() override { found.clear(); }

  void discover() {
    ASSERT_TRUE(bring_up());
    run([this] { found = DiskDevice::discover(*adapter); });
    commands.clear();
  }

  /// errno of a request, driven to its end.
  int perform(DiskRequest& request, DiskDevice& device) {
    bool done = false;
    request.owner = &done;
    request.completed = [](DiskRequest& r) { *static_cast<bool*>(r.owner) = true; };
    run([&] { device.submit(request); });
    EXPECT_EQ(scheduler.drive(done), Driven::done);
    return request.error;
  }

  std::map<std::uint8_t, DiskForTests> disks{{std::uint8_t{0}, DiskForTests{}}};
  std::vector<std::unique_ptr<DiskDevice>> found;
  std::vector<Command> commands;
  std::vector<Answer> failures;  ///< for the next READs, WRITEs and other commands of clients, in order
  bool silent = false;           ///< answers no more

 private:
  static bool is_client_command(std::uint8_t opcode) {
    return is_read_write(opcode) || opcode == SCSIOP_UNMAP || opcode == 0x93 || opcode == SCSIOP_SYNCHRONIZE_CACHE;
  }

  void execute(Request& request) {
    const auto cdb = request.srb.cdb();
    Command command{request.srb.function(), request.srb.opcode(), request.unit->lun, 0, 0, request.data_length, request.srb.timeout(), false, false};
    if (command.function == SRB_FUNCTION_EXECUTE_SCSI) decode(cdb, command);
    commands.push_back(command);
    if (silent) return;
    const auto disk = disks.find(command.lun);
    if (request.unit->target != 0 || disk == disks.end()) return answer(request, {SRB_STATUS_INVALID_LUN});
    if (command.function != SRB_FUNCTION_EXECUTE_SCSI) return answer(request, {});
    if (is_client_command(command.opcode) && !failures.empty()) {
      const Answer failure = failures.front();
      failures.erase(failures.begin());
      return answer(request, failure);
    }
    answer(request, serve(request, command, disk->second));
  }

  static void decode(std::span<const std::uint8_t> cdb, Command& command) {
    if (cdb.size() == 10) {
      command.block = get_big_endian<std::uint32_t>(&cdb[2]);
      command.blocks = get_big_endian<std::uint16_t>(&cdb[7]);
    } else if (cdb.size() == 16) {
      command.block = get_big_endian<std::uint64_t>(&cdb[2]);
      command.blocks = get_big_endian<std::uint32_t>(&cdb[10]);
    }
    command.fua = is_read_write(cdb[0]) && (cdb[1] & 8) != 0;
    command.unmap = cdb[0] == 0x93 && (cdb[1] & 8) != 0;
  }

  void answer(Request& request, const Answer& how) {
    if (how.scsi_status == 2) {
      std::memset(request.sense_host, 0, 18);
      const std::uint8_t fixed[] = {0x70, 0, how.key, 0, 0, 0, 0, 10, 0, 0, 0, 0, how.code, how.qualifier};
      std::memcpy(request.sense_host, fixed, sizeof fixed);
    }
    if (how.short_by != 0) request.srb.set_data(request.srb.data_buffer(), request.data_length - how.short_by);
    complete(request, how.srb_status, how.scsi_status);
  }

  static Answer check(std::uint8_t key, std::uint8_t code) {
    return {SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID, 2, key, code, 0, 0};
  }

  /// Through the list, as a device sees it.
  void copy(Request& request, std::byte* bytes, std::size_t size, bool to_memory) {
    const STOR_SCATTER_GATHER_LIST& list = *request.list_host;
    for (ULONG i = 0; i < list.NumberOfElements && size != 0; ++i)
      for (ULONG at = 0; at < list.List[i].Length && size != 0;) {
        const PhysicalAddress address{static_cast<std::uint64_t>(list.List[i].PhysicalAddress.QuadPart) + at};
        const std::size_t part = std::min({size, std::size_t{list.List[i].Length - at}, std::size_t{kPageSize - address.offset_in_page()}});
        if (to_memory) std::memcpy(memory->host(address), bytes, part);
        else std::memcpy(bytes, memory->host(address), part);
        bytes += part, size -= part, at += static_cast<ULONG>(part);
      }
  }
  Answer give(Request& request, std::vector<std::uint8_t> bytes) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), request.data_length);
    copy(request, reinterpret_cast<std::byte*>(bytes.data()), size, true);
    return {size < request.data_length ? std::uint8_t{SRB_STATUS_DATA_OVERRUN} : std::uint8_t{SRB_STATUS_SUCCESS}, 0, 0, 0, 0,
            request.data_length - static_cast<std::uint32_t>(size)};
  }

  Answer serve(Request& request, const Command& command, DiskForTests& disk) {
    switch (command.opcode) {
      case SCSIOP_INQUIRY: return inquiry(request, disk);
      case SCSIOP_TEST_UNIT_READY: case SCSIOP_SYNCHRONIZE_CACHE: return {};
      case SCSIOP_READ_CAPACITY: return capacity_10(request, disk);
      case 0x9E: return capacity_16(request, disk);
      case SCSIOP_MODE_SENSE: {
        const auto flags = static_cast<std::uint8_t>((disk.read_only ? 0x80 : 0) | (disk.fua ? 0x10 : 0));
        return give(request, {23, 0, flags, 0, 0x08, 0x12, static_cast<std::uint8_t>(disk.cache ? 4 : 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
      }
      case 0xA0: return report_luns(request, disk);
      default: return media(request, command, disk);
    }
  }
  Answer inquiry(Request& request, const DiskForTests& disk) {
    const auto cdb = request.srb.cdb();
    std::vector<std::uint8_t> bytes{disk.first_byte, cdb[2]};
    if ((cdb[1] & 1) == 0) {
      bytes = {disk.first_byte, 0, 6, 2, 31, 0, 0, 0};
      for (const char c : fmt::format("DRYDOCK {:16}1.0 ", disk.product)) bytes.push_back(static_cast<std::uint8_t>(c));
    } else if (cdb[2] == 0x00) {
      bytes.insert(bytes.end(), {0, 4, 0x00, 0x80, 0xB0, 0xB2});
    } else if (cdb[2] == 0x80) {
      bytes.insert(bytes.end(), {0, 4, 'S', '1', '2', ' '});
    } else if (cdb[2] == 0xB0) {
      bytes.resize(64);
      bytes[3] = 0x3C;
      put_big_endian(&bytes[20], disk.unmap_max);
      put_big_endian(&bytes[24], std::uint32_t{1});
      put_big_endian(&bytes[36], disk.write_same_max);
    } else {
      bytes.insert(bytes.end(), {0, 4, 0, static_cast<std::uint8_t>(disk.provisioned ? 0xC0 : 0), 0, 0});
    }
    return give(request, bytes);
  }
  Answer capacity_10(Request& request, const DiskForTests& disk) {
    std::vector<std::uint8_t> bytes(8);
    put_big_endian(&bytes[0], static_cast<std::uint32_t>(std::min<std::uint64_t>(disk.blocks - 1, 0xFFFF'FFFF)));
    put_big_endian(&bytes[4], disk.block_size);
    return give(request, bytes);
  }
  Answer capacity_16(Request& request, const DiskForTests& disk) {
    if (!disk.capacity_16) return check(5, 0x20);
    std::vector<std::uint8_t> bytes(32);
    put_big_endian(&bytes[0], disk.blocks - 1);
    put_big_endian(&bytes[8], disk.block_size);
    bytes[14] = disk.provisioned ? 0xC0 : 0;
    return give(request, bytes);
  }
  Answer report_luns(Request& request, const DiskForTests& disk) {
    if (!disk.reports_luns) return check(5, 0x20);
    std::vector<std::uint8_t> bytes(8 + 8 * disks.size());
    put_big_endian(&bytes[0], static_cast<std::uint32_t>(8 * disks.size()));
    std::size_t at = 8;
    for (const auto& [lun, each] : disks) bytes[at + 1] = lun, at += 8;
    return give(request, bytes);
  }
  Answer media(Request& request, const Command& command, DiskForTests& disk) {
    if (command.opcode == SCSIOP_UNMAP || command.opcode == 0x93) return {};
    if (!is_read_write(command.opcode)) return check(5, 0x20);
    if (command.block + command.blocks > disk.blocks) return check(5, 0x21);
    std::vector<std::byte> bytes(std::size_t{command.blocks} * disk.block_size);
    EXPECT_EQ(bytes.size(), command.length);
    if (!is_read(command.opcode)) copy(request, bytes.data(), bytes.size(), false);
    for (std::uint32_t i = 0; i < command.blocks; ++i) {
      auto& block = disk.data[command.block + i];
      block.resize(disk.block_size);
      std::byte* here = bytes.data() + std::size_t{i} * disk.block_size;
      if (is_read(command.opcode)) std::memcpy(here, block.data(), disk.block_size);
      else std::memcpy(block.data(), here, disk.block_size);
    }
    if (is_read(command.opcode)) copy(request, bytes.data(), bytes.size(), true);
    return {};
  }
};

}  // namespace drydock
