#include "loader/image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/address.h"
#include "base/check.h"

extern "C" __attribute__((noinline, used)) void drydock_image_loaded(const char* path, const void* base) {
  asm volatile("" : : "r"(path), "r"(base) : "memory");
}

namespace drydock {
namespace {

constexpr std::uint64_t kStubSize = 48;
constexpr std::uint64_t kDefaultCookie = 0x2B992DDFA232;  // what compilers leave there, meaning "not set"

std::uint64_t page_up(std::uint64_t bytes) { return (bytes + kPageMask) & ~kPageMask; }

struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

std::string base_name(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

template <class T>
void store(std::uint64_t address, T value) {
  std::memcpy(reinterpret_cast<void*>(address), &value, sizeof value);
}

int rights_of(const PeSection& section) {
  return (section.readable ? PROT_READ : 0) | (section.writable ? PROT_WRITE | PROT_READ : 0) |
         (section.executable ? PROT_EXEC | PROT_READ : 0);
}

void set_rights(std::uint64_t address, std::uint64_t length, int rights) {
  if (length == 0) return;
  const int failed = ::mprotect(reinterpret_cast<void*>(address), page_up(length), rights);
  CHECK(failed == 0, "mprotect of an image: {}", std::strerror(errno));
}

}  // namespace

Result<std::vector<std::byte>> read_image_file(const std::string& path) {
  File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return refuse("{}: {}", path, std::strerror(errno));
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return refuse("{}: {}", path, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return refuse("{}: not a regular file", path);
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > kImageFileSizeMax) return refuse("{}: {} bytes are more than a driver image has (limit {})", path, size, kImageFileSizeMax);
  std::vector<std::byte> bytes(size);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file.fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse("{}: {}", path, std::strerror(errno));
    if (got == 0) return refuse("{}: the file became shorter while it was read", path);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<Image> Image::load(const std::string& path, const LoadOptions& options, ImportResolver& resolver) {
  TRY(auto file, read_image_file(path));
  return load_bytes(std::move(file), path, options, resolver);
}

Result<Image> Image::load_bytes(std::vector<std::byte> file, const std::string& path, const LoadOptions& options,
                                ImportResolver& resolver) {
  Image image;
  image.path_ = path;
  image.name_ = options.name.empty() ? base_name(path) : options.name;
  image.file_ = std::move(file);
  auto parsed = PeImage::parse(image.file_);
  if (!parsed) return refuse("{}: {}", path, parsed.error().message);
  image.pe_ = std::move(*parsed);

  TRY_VOID(image.reserve(options));
  image.copy_in();
  image.relocate();
  image.bind(options, resolver);
  image.set_cookie(options.seeded);
  image.protect();
  image.take_notes();
  drydock_image_loaded(image.path_.c_str(), reinterpret_cast<const void*>(image.base_));
  return image;
}

Image::Image(Image&& other) noexcept { *this = std::move(other); }

Image& Image::operator=(Image&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  name_ = std::move(other.name_);
  path_ = std::move(other.path_);
  file_ = std::move(other.file_);  // the heap block moves along, so pe_.file stays right
  pe_ = std::move(other.pe_);
  missing_ = std::move(other.missing_);
  notes_ = std::move(other.notes_);
  base_ = std::exchange(other.base_, 0);
  other.pe_ = {};
  return *this;
}

Image::~Image() { unmap(); }

void Image::unmap() noexcept {
  if (base_) ::munmap(reinterpret_cast<void*>(base_), mapped_size());
  base_ = 0;
}

/// The image, then a stub for each import (any of them may turn out to be missing).
std::uint64_t Image::mapped_size() const { return pe_.size + page_up(pe_.imports.size() * kStubSize); }

std::uint64_t Image::stub_address(std::size_t index) const { return base_ + pe_.size + index * kStubSize; }

Result<void> Image::reserve(const LoadOptions& options) {
  if (options.use_preferred_base && pe_.preferred_base >= kImageBaseMin && map_at(pe_.preferred_base)) return {};
  if (pe_.relocations_stripped)
    return refuse("{}: can only run at {:#x}, which is not free: its relocations are stripped", path_, pe_.preferred_base);
  return map_in_arena(options);
}

Result<void> Image::map_in_arena(const LoadOptions& options) {
  for (std::uint64_t offset = 0; offset + mapped_size() <= options.arena_size; offset += kImageBaseAlignment)
    if (map_at(options.arena_base + offset)) return {};
  return refuse("{}: no room for {} bytes among the {} bytes kept for driver images", path_, mapped_size(), options.arena_size);
}

bool Image::map_at(std::uint64_t address) {
  void* wanted = reinterpret_cast<void*>(address);
  void* got = ::mmap(wanted, mapped_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return false;
  if (got != wanted) {  // a kernel that takes the address as a hint
    ::munmap(got, mapped_size());
    return false;
  }
  base_ = address;
  return true;
}

void Image::copy_in() {
  std::memcpy(at(0), file_.data(), pe_.headers_size);
  for (const auto& section : pe_.sections)
    if (section.file_size) std::memcpy(at(section.rva), file_.data() + section.file_offset, section.file_size);
}

void Image::relocate() {
  if (slide() == 0) return;
  for (const std::uint32_t rva : pe_.relocations) {
    std::uint64_t value;
    std::memcpy(&value, at(rva), sizeof value);
    store(base_ + rva, value + slide());
  }
}

void Image::bind(const LoadOptions& options, ImportResolver& resolver) {
  missing_.reserve(pe_.imports.size());  // stubs hold addresses of its elements
  for (const auto& import : pe_.imports) {
    void* address = resolver.resolve(import.module, import.name);
    if (!address) {
      const std::size_t index = missing_.size();
      missing_.push_back({name_, import.module, import.name, options.missing_context});
      write_stub(index, options.missing_import);
      address = reinterpret_cast<void*>(stub_address(index));
    }
    store(base_ + import.slot_rva, address);
  }
}

// A stub reads, as data, like a pointer that faults when followed (0xDEADxxxx00841F0F is not canonical): a missing
// *variable* is noticed at its first use, and xxxx says which it was. As code those eight bytes do nothing.
void Image::write_stub(std::size_t index, MissingImportHandler handler) {
  static_assert(kImportsMax <= 0x10000);
  std::uint64_t at = stub_address(index);
  const auto put = [&at](auto value) {
    store(at, value);
    at += sizeof value;
  };
  put(std::uint32_t{0x00841F0F});                                       // nop [rax + rax + disp32]
  put(static_cast<std::uint32_t>(0xDEAD0000u + index));
  put(std::uint16_t{0xB948});                                           // mov rcx, &missing_[index]
  put(reinterpret_cast<std::uint64_t>(&missing_[index]));
  put(std::uint32_t{0x24148B48});                                       // mov rdx, [rsp]
  put(std::uint16_t{0xB848});                                           // mov rax, handler
  put(reinterpret_cast<std::uint64_t>(handler));
  put(std::uint16_t{0xE0FF});                                           // jmp rax
}

// The high 16 bits of a cookie are zero: a string overflow cannot pass over it. A default left in place makes drivers
// built with /GS stop themselves at entry.
void Image::set_cookie(Seeded& seeded) {
  if (pe_.load_config.security_cookie == 0) return;
  std::uint64_t cookie;
  do {
    cookie = seeded.next() >> 16;
  } while (cookie == 0 || cookie == kDefaultCookie);
  store(pe_.load_config.security_cookie + slide(), cookie);
}

void Image::protect() {
  set_rights(base_ + pe_.size, mapped_size() - pe_.size, PROT_READ | PROT_EXEC);
  if (pe_.shares_pages()) return set_rights(base_, pe_.size, PROT_READ | PROT_WRITE | PROT_EXEC);
  set_rights(base_, pe_.size, PROT_NONE);
  set_rights(base_, pe_.headers_size, PROT_READ);
  for (const auto& section : pe_.sections) set_rights(base_ + section.rva, section.size, rights_of(section));
}

void Image::take_notes() {
  if (pe_.shares_pages())
    notes_.push_back(fmt::format("section alignment {:#x} is below a page: all sections are writable and executable", pe_.section_alignment));
  for (const auto& section : pe_.sections)
    if (section.writable && section.executable) notes_.push_back(fmt::format("section {} is writable and executable", section.name));
  if (pe_.has_tls) notes_.push_back("has a TLS directory, which is ignored for kernel drivers");
  if (!pe_.delay_imports.empty())
    notes_.push_back(fmt::format("has {} delay imports, the first {} from {}: left unbound", pe_.delay_imports.size(),
                                 pe_.delay_imports[0].name, pe_.delay_imports[0].module));
}

void Image::discard_init() {
  if (pe_.shares_pages()) return;
  for (const auto& section : pe_.sections)
    if (section.discardable) set_rights(base_ + section.rva, section.size, PROT_NONE);
}

void* Image::find_export(std::string_view name) const {
  const PeExport* found = pe_.find_export(name);
  return found && found->forwarder.empty() ? at(found->rva) : nullptr;
}

std::string Image::name_of(std::uint64_t address) const { return fmt::format("{}+{:#x}", name_, address - base_); }

const PeSection* Image::section_of(std::uint64_t address) const {
  return contains(address) ? pe_.section_at(static_cast<std::uint32_t>(address - base_)) : nullptr;
}

const MissingImport* Image::missing_import_at(std::uint64_t address) const {
  const std::uint64_t offset = address - stub_address(0);
  return offset < missing_.size() * kStubSize ? &missing_[offset / kStubSize] : nullptr;
}

}  // namespace drydock
