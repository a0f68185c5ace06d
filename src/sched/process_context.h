#pragma once
// ProcessContext: whose user memory is current while a thread runs. A client's request runs on a thread of its process; a
// DPC or an interrupt has the context of whatever it interrupted; system threads have none.

#include <cstdint>
#include <string>

namespace drydock {

struct ProcessContext {
  std::uint16_t id = 0;    ///< from 1; unique among the processes that live
  std::string name;        ///< as the user calls it
  void* object = nullptr;  ///< the address drivers know the process by
};

}  // namespace drydock
