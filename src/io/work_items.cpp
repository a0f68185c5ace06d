#include "io/work_items.h"

#include <algorithm>

namespace drydock {

WorkItems::~WorkItems() = default;

void WorkItems::add(const void* alias, void* address, void* object, bool allocated, const CodePlace& where) {
  auto item = std::make_unique<Item>(*this);
  item->alias = alias, item->address = address, item->object = object, item->allocated = allocated, item->made_at = where;
  if (const auto before = items_.find(alias); before != items_.end() && before->second->queued) running_.push_back(std::move(before->second));
  items_[alias] = std::move(item);
}

WorkItems::Done WorkItems::queue(const void* alias, const Routine& routine, const CodePlace& where) {
  const auto at = items_.find(alias);
  if (at == items_.end()) return Done::unknown;
  Item& item = *at->second;
  if (item.queued) return Done::queued;
  item.queued = true;
  item.routine = routine;
  item.queued_at = where;
  devices_.hold(static_cast<DEVICE_OBJECT*>(item.object));
  services_.scheduler.queue_task(item, static_cast<unsigned>(services_.scheduler.choose().below(services_.scheduler.cpu_count())));
  return Done::yes;
}

WorkItems::Done WorkItems::remove(const void* alias, bool allocated) {
  const auto at = items_.find(alias);
  if (at == items_.end() || at->second->allocated != allocated) return Done::unknown;
  const bool queued = at->second->queued;
  if (queued) running_.push_back(std::move(at->second));  // its routine runs all the same
  items_.erase(at);
  return queued ? Done::queued : Done::yes;
}

// From here on the item is the driver's again: it may queue or free it in the routine. What happens to it then happens to
// nothing that this call still needs.
void WorkItems::run(Item& item) {
  const Routine routine = item.routine;
  void *address = item.address, *object = item.object;
  item.queued = false;
  std::erase_if(running_, [&](const auto& one) { return one.get() == &item; });
  using Plain = void(MSABI*)(void*, void*);
  using Extended = void(MSABI*)(void*, void*, void*);
  if (routine.extended != nullptr)
    services_.call("IO_WORKITEM_ROUTINE_EX", EntryKind::routine, reinterpret_cast<Extended>(routine.extended), object, routine.context, address);
  else
    services_.call("IO_WORKITEM_ROUTINE", EntryKind::routine, reinterpret_cast<Plain>(routine.plain), object, routine.context);
  devices_.let_go(static_cast<DEVICE_OBJECT*>(object));
}

}  // namespace drydock
