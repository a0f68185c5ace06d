#pragma once
// DriverExtensions: memory a driver keeps with its driver object under an address of its own choice; freed with the driver.

#include <map>
#include <utility>

#include "abi/wdk.h"
#include "mem/pool.h"

namespace drydock {

class DriverExtensions {
 public:
  explicit DriverExtensions(Pool& pool) : pool_(pool) {}
  ~DriverExtensions();
  DriverExtensions(const DriverExtensions&) = delete;
  DriverExtensions& operator=(const DriverExtensions&) = delete;

  /// Zeroed. STATUS_OBJECT_NAME_COLLISION when the driver uses the id already.
  NTSTATUS allocate(const DRIVER_OBJECT* driver, const void* id, std::uint32_t bytes, void** extension);
  void* find(const DRIVER_OBJECT* driver, const void* id) const;
  void driver_is_gone(const DRIVER_OBJECT* driver);

 private:
  Pool& pool_;
  std::map<std::pair<const DRIVER_OBJECT*, const void*>, void*> extensions_;
};

}  // namespace drydock
