#pragma once
// OpenDevice: the Device of the embedding API: a file object, and the requests that refer to it.

#include "machine/client_process.h"

namespace drydock {

class PendingRequest final : public Request {
 public:
  PendingRequest(ClientProcess& process, OpenFile& file, const RequestParameters& parameters);
  ~PendingRequest() override;
  bool done() override;
  bool cancel() override;
  Answer wait() override;

 private:
  void drive_until(const bool& condition);
  ClientProcess& process_;
  ClientRequest request_;
};

class OpenDevice final : public Device {
 public:
  static Client::Opened open(ClientProcess& process, std::string_view path, Access access);
  ~OpenDevice() override;

  Answer read(Buffer to, std::uint64_t offset) override;
  Answer write(Buffer from, std::uint64_t offset) override;
  Answer control(std::uint32_t code, Buffer in, Buffer out) override;
  Answer flush() override;
  Answer query_information(std::uint32_t information_class, Buffer out) override;
  Answer set_information(std::uint32_t information_class, Buffer in) override;
  std::unique_ptr<Request> start_read(Buffer to, std::uint64_t offset) override;
  std::unique_ptr<Request> start_write(Buffer from, std::uint64_t offset) override;
  std::unique_ptr<Request> start_control(std::uint32_t code, Buffer in, Buffer out) override;

 private:
  OpenDevice(ClientProcess& process, const OpenFile& file) : process_(process), file_(file) {}
  Answer ask(const RequestParameters& parameters) { return PendingRequest(process_, file_, parameters).wait(); }

  ClientProcess& process_;
  OpenFile file_;
};

}  // namespace drydock
