#include "machine/open_device.h"

#include <cstring>
#include <utility>

namespace drydock {

namespace {

constexpr std::uint32_t kHalted = static_cast<std::uint32_t>(STATUS_UNSUCCESSFUL);

UserRange range_of(Buffer buffer) { return {buffer.address, buffer.length}; }

RequestParameters plain(unsigned major) {
  RequestParameters parameters;
  parameters.major = major;
  return parameters;
}

RequestParameters transfer(unsigned major, Buffer buffer, std::uint64_t offset) {
  RequestParameters parameters = plain(major);
  parameters.offset = offset;
  (major == IRP_MJ_READ ? parameters.out : parameters.in) = range_of(buffer);
  return parameters;
}

RequestParameters control_request(std::uint32_t code, Buffer in, Buffer out) {
  RequestParameters parameters = plain(IRP_MJ_DEVICE_CONTROL);
  parameters.in = range_of(in), parameters.out = range_of(out), parameters.code = code;
  return parameters;
}

RequestParameters information_request(unsigned major, std::uint32_t information_class, Buffer buffer) {
  RequestParameters parameters = transfer(major, buffer, 0);
  if (major == IRP_MJ_QUERY_INFORMATION) std::swap(parameters.in, parameters.out);
  parameters.information = information_class;
  return parameters;
}

}  // namespace

// --- requests ---------------------------------------------------------------------------------------------------------------

PendingRequest::PendingRequest(ClientProcess& process, OpenFile& file, const RequestParameters& parameters)
    : process_(process), request_(process.host().kernel.io(), *process.host().board.spaces, process.space(), file, parameters) {
  const ProcessHost& host = process_.host();
  const std::lock_guard lock(host.clients.machine_mutex());
  if (host.board.scheduler->halted()) return;
  DrivingThread driving(host.kernel);
  Scheduler& scheduler = *host.board.scheduler;
  scheduler.queue_task(request_, static_cast<unsigned>(scheduler.choose().below(scheduler.cpu_count())));
  scheduler.drive(request_.submitted());
}

PendingRequest::~PendingRequest() { drive_until(request_.done()); }

void PendingRequest::drive_until(const bool& condition) {
  const ProcessHost& host = process_.host();
  const std::lock_guard lock(host.clients.machine_mutex());
  if (condition || host.board.scheduler->halted()) return;
  DrivingThread driving(host.kernel);
  host.board.scheduler->drive(condition);
}

bool PendingRequest::done() { return request_.done(); }

bool PendingRequest::cancel() {
  bool called = false;
  process_.host().clients.on_thread([&] { called = request_.cancel(); });
  return called;
}

Answer PendingRequest::wait() {
  drive_until(request_.done());
  if (!request_.done()) return {.status = kHalted};
  const RequestAnswer& answer = request_.answer();
  return {static_cast<std::uint32_t>(answer.status), answer.information, answer.reached_driver, answer.status_block_written};
}

// --- open devices -----------------------------------------------------------------------------------------------------------

Client::Opened OpenDevice::open(ClientProcess& process, std::string_view path, Access access) {
  DeviceObjects& devices = process.host().kernel.io().devices();
  const auto refused = [](NTSTATUS status) { return Client::Opened{nullptr, static_cast<std::uint32_t>(status)}; };
  OpenFile file{.access = static_cast<std::uint8_t>(access)};
  {
    const std::lock_guard lock(process.host().clients.machine_mutex());
    const ObjectNames::Found found = devices.names().find(ObjectNames::of_win32(path));
    if (const NTSTATUS status = may_be_opened(found.device); status != STATUS_SUCCESS) return refused(status);
    file.object = make_file_object(process.host().kernel.io(), process.host().kernel.objects().objects, found.device, found.rest, file.access);
    if (file.object == nullptr) return refused(STATUS_INSUFFICIENT_RESOURCES);
    file.device = found.device;
    file.file = file.object->raw();
  }
  std::unique_ptr<OpenDevice> device(new OpenDevice(process, file));
  const Answer answer = device->ask(plain(IRP_MJ_CREATE));
  if (answer.succeeded()) {
    file.object->opened();
    return {std::move(device), answer.status};
  }
  device->file_.cleaned_up = true;
  return {nullptr, answer.status};
}

OpenDevice::~OpenDevice() {
  if (!file_.cleaned_up) ask(plain(IRP_MJ_CLEANUP));
  ObjectTable& objects = process_.host().kernel.objects().objects;
  process_.host().clients.on_thread([&] { objects.dereference(*file_.object); });
}

Answer OpenDevice::read(Buffer to, std::uint64_t offset) { return ask(transfer(IRP_MJ_READ, to, offset)); }
Answer OpenDevice::write(Buffer from, std::uint64_t offset) { return ask(transfer(IRP_MJ_WRITE, from, offset)); }
Answer OpenDevice::control(std::uint32_t code, Buffer in, Buffer out) { return ask(control_request(code, in, out)); }
Answer OpenDevice::flush() { return ask(plain(IRP_MJ_FLUSH_BUFFERS)); }
Answer OpenDevice::query_information(std::uint32_t information_class, Buffer out) {
  return ask(information_request(IRP_MJ_QUERY_INFORMATION, information_class, out));
}
Answer OpenDevice::set_information(std::uint32_t information_class, Buffer in) {
  return ask(information_request(IRP_MJ_SET_INFORMATION, information_class, in));
}

std::unique_ptr<Request> OpenDevice::start_read(Buffer to, std::uint64_t offset) {
  return std::make_unique<PendingRequest>(process_, file_, transfer(IRP_MJ_READ, to, offset));
}
std::unique_ptr<Request> OpenDevice::start_write(Buffer from, std::uint64_t offset) {
  return std::make_unique<PendingRequest>(process_, file_, transfer(IRP_MJ_WRITE, from, offset));
}
std::unique_ptr<Request> OpenDevice::start_control(std::uint32_t code, Buffer in, Buffer out) {
  return std::make_unique<PendingRequest>(process_, file_, control_request(code, in, out));
}

}  // namespace drydock
