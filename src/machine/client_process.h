#pragma once
// ClientProcess: the Client of the embedding API: an address space, and requests that run on threads of the machine in its
// context. Every call takes the machine, drives it until the request is answered, and leaves it.

#include <drydock/client.h>

#include "io/client_request.h"
#include "machine/board.h"
#include "machine/client.h"
#include "machine/kernel.h"

namespace drydock {

/// What a process needs of its machine.
struct ProcessHost {
  Board& board;
  MachineKernel& kernel;
  Clients& clients;
};

class ClientProcess final : public Client {
 public:
  ClientProcess(ProcessHost host, std::unique_ptr<AddressSpace> space) : host_(host), space_(std::move(space)) {}
  ~ClientProcess() override;

  Opened open(std::string_view path, Access access) override;
  Buffer allocate(std::uint32_t bytes, const Layout& layout) override;
  bool free(Buffer buffer) override;
  bool protect(Buffer range, Protection protection) override;
  bool unmap(Buffer range) override;
  bool remap(Buffer range) override;
  bool store(Buffer to, std::span<const std::byte> bytes) override;
  std::vector<std::byte> load(Buffer from) override;

  const ProcessHost& host() const { return host_; }
  AddressSpace& space() { return *space_; }

 private:
  ProcessHost host_;
  std::unique_ptr<AddressSpace> space_;
};

}  // namespace drydock
