// Events, semaphores, mutexes, timers, DPCs and threads, called as a driver calls them.

#include <gtest/gtest.h>

#include <algorithm>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

template <class F>
F kernel_routine(const char* name) { return export_named<F>("ntoskrnl.exe", name); }

/// The routines of this family, and objects in memory of the machine.
struct Wdk {
  explicit Wdk(KernelForTests& k) : kernel(k) {}
  template <class T>
  T* object() { return reinterpret_cast<T*>(kernel.allocate(sizeof(T))); }
  KEVENT* event(EVENT_TYPE type, bool state) {
    auto* made = object<KEVENT>();
    kernel_routine<MSABI void (*)(KEVENT*, EVENT_TYPE, BOOLEAN)>("KeInitializeEvent")(made, type, state);
    return made;
  }
  LONG set(KEVENT* event) { return kernel_routine<MSABI LONG (*)(KEVENT*, LONG, BOOLEAN)>("KeSetEvent")(event, 0, FALSE); }
  NTSTATUS wait(void* of, std::optional<LONGLONG> time = std::nullopt) {
    LARGE_INTEGER timeout{};
    timeout.QuadPart = time.value_or(0);
    return kernel_routine<MSABI NTSTATUS (*)(void*, int, CCHAR, BOOLEAN, LARGE_INTEGER*)>("KeWaitForSingleObject")(of, 0, 0, 0, time ? &timeout : nullptr);
  }
  NTSTATUS wait_many(std::vector<void*> of, WAIT_TYPE type, LONGLONG time) {
    LARGE_INTEGER timeout{};
    timeout.QuadPart = time;
    void** objects = kernel.allocate<void*>(of.size() * sizeof(void*));
    std::copy(of.begin(), of.end(), objects);
    return kernel_routine<MSABI NTSTATUS (*)(ULONG, void**, WAIT_TYPE, int, CCHAR, BOOLEAN, LARGE_INTEGER*, void*)>("KeWaitForMultipleObjects")(
        static_cast<ULONG>(of.size()), objects, type, 0, 0, 0, &timeout, nullptr);
  }
  CountedObject* thread(KernelThreads::Routine routine, void* context) { return kernel.objects().threads.create(routine, context, {}); }
  KernelForTests& kernel;
};

constexpr LONGLONG kMillisecondUnits = 10'000;

TEST(Waits, ASynchronizationEventLetsOneGoAndANotificationEventStays) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  kernel.run([&] {
    KEVENT* once = wdk.event(SynchronizationEvent, true);
    EXPECT_EQ(wdk.wait(once), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(once, 0), STATUS_TIMEOUT);
    KEVENT* stays = wdk.event(NotificationEvent, false);
    EXPECT_EQ(wdk.set(stays), 0);
    EXPECT_EQ(wdk.set(stays), 1);
    EXPECT_EQ(wdk.wait(stays), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(stays, 0), STATUS_SUCCESS);
    const Nanoseconds start = kernel.scheduler().now();
    EXPECT_EQ(wdk.wait(once, -5 * kMillisecondUnits), STATUS_TIMEOUT);
    EXPECT_EQ((kernel.scheduler().now() - start) / kMillisecond, 5u);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Waits, AThreadIsWokenByAnotherAndWaitedFor) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  struct Shared {
    Wdk* wdk;
    KEVENT *go, *gone;
    int steps = 0;
  } shared{&wdk, nullptr, nullptr};
  kernel.run([&] {
    shared.go = wdk.event(SynchronizationEvent, false);
    shared.gone = wdk.event(NotificationEvent, false);
    CountedObject* thread = wdk.thread([](void* context) MSABI {
      auto& s = *static_cast<Shared*>(context);
      EXPECT_EQ(s.wdk->wait(s.go), STATUS_SUCCESS);
      ++s.steps;
      s.wdk->set(s.gone);
    }, &shared);
    kernel.objects().objects.reference(*thread);
    EXPECT_EQ(wdk.wait(shared.gone, -kMillisecondUnits), STATUS_TIMEOUT);
    wdk.set(shared.go);
    EXPECT_EQ(wdk.wait(shared.gone), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(const_cast<void*>(thread->address)), STATUS_SUCCESS);
    EXPECT_EQ(kernel.objects().objects.dereference(*thread), 0);
  });
  EXPECT_EQ(shared.steps, 1);
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Waits, AWaitForAllTakesNothingUntilItCanTakeAll) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  kernel.run([&] {
    KEVENT* first = wdk.event(SynchronizationEvent, true);
    KEVENT* second = wdk.event(SynchronizationEvent, false);
    EXPECT_EQ(wdk.wait_many({first, second}, WaitAll, -kMillisecondUnits), STATUS_TIMEOUT);
    EXPECT_EQ(first->Header.SignalState, 1);
    EXPECT_EQ(wdk.wait_many({second, first}, WaitAny, 0), STATUS_WAIT_1);
    wdk.set(first), wdk.set(second);
    EXPECT_EQ(wdk.wait_many({first, second}, WaitAll, 0), STATUS_SUCCESS);
    EXPECT_EQ(first->Header.SignalState + second->Header.SignalState, 0);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Waits, AMutexIsTakenAgainByItsOwnerAndGivenUpAsOften) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  const auto release = kernel_routine<MSABI LONG (*)(KMUTEX*, BOOLEAN)>("KeReleaseMutex");
  kernel.run([&] {
    auto* mutex = wdk.object<KMUTEX>();
    kernel_routine<MSABI void (*)(KMUTEX*, ULONG)>("KeInitializeMutex")(mutex, 0);
    EXPECT_EQ(wdk.wait(mutex), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(mutex), STATUS_SUCCESS);
    EXPECT_EQ(kernel.objects().threads.book().normal_apcs_off, 1);
    EXPECT_NE(release(mutex, FALSE), 0);
    EXPECT_EQ(release(mutex, FALSE), 0);
    EXPECT_EQ(mutex->Header.SignalState, 1);
    EXPECT_EQ(kernel.objects().threads.book().normal_apcs_off, 0);
  });
  kernel.run([&] { EXPECT_EQ(1, 1); });
  EXPECT_TRUE(kernel.findings.empty());
  EXPECT_TRUE(kernel.raised.empty());
}

TEST(Waits, ASemaphoreCountsUpToItsLimit) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  kernel.run([&] {
    auto* semaphore = wdk.object<KSEMAPHORE>();
    kernel_routine<MSABI void (*)(KSEMAPHORE*, LONG, LONG)>("KeInitializeSemaphore")(semaphore, 1, 3);
    EXPECT_EQ(wdk.wait(semaphore), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(semaphore, 0), STATUS_TIMEOUT);
    EXPECT_EQ(kernel_routine<MSABI LONG (*)(KSEMAPHORE*, LONG, LONG, BOOLEAN)>("KeReleaseSemaphore")(semaphore, 0, 3, FALSE), 0);
    EXPECT_EQ(semaphore->Header.SignalState, 3);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Waits, AnObjectThatNobodyInitialisedIsTold) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  kernel.run([&] {
    auto* event = wdk.object<KEVENT>();
    std::memset(event, 0, sizeof *event);
    wdk.set(event);
    KEVENT* good = wdk.event(NotificationEvent, true);
    *event = *good;  // moved
    EXPECT_EQ(wdk.wait(event, 0), STATUS_INVALID_PARAMETER);
  });
  EXPECT_EQ(kernel.findings.size(), 2u);
}

struct Counted {
  KernelForTests* kernel;
  int calls = 0;
  Irql irql = 0;
};
MSABI void count_call(KDPC*, void* context, void*, void*) {
  auto& counted = *static_cast<Counted*>(context);
  ++counted.calls;
  counted.irql = counted.kernel->scheduler().irql();
}

TEST(Timers, APeriodicTimerQueuesItsDpcUntilItIsCancelled) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  Counted counted{&kernel};
  kernel.run([&] {
    auto* timer = wdk.object<KTIMER>();
    auto* dpc = wdk.object<KDPC>();
    kernel_routine<MSABI void (*)(KTIMER*, TIMER_TYPE)>("KeInitializeTimerEx")(timer, SynchronizationTimer);
    kernel_routine<MSABI void (*)(KDPC*, decltype(&count_call), void*)>("KeInitializeDpc")(dpc, &count_call, &counted);
    const auto set = kernel_routine<MSABI BOOLEAN (*)(KTIMER*, LONGLONG, LONG, KDPC*)>("KeSetTimerEx");
    const auto cancel = kernel_routine<MSABI BOOLEAN (*)(KTIMER*)>("KeCancelTimer");
    EXPECT_EQ(set(timer, -kMillisecondUnits, 2, dpc), FALSE);
    EXPECT_EQ(wdk.wait(timer), STATUS_SUCCESS);
    EXPECT_EQ(wdk.wait(timer), STATUS_SUCCESS);
    EXPECT_EQ(cancel(timer), TRUE);
    EXPECT_EQ(cancel(timer), FALSE);
    EXPECT_EQ(wdk.wait(timer, -10 * kMillisecondUnits), STATUS_TIMEOUT);
    kernel_routine<MSABI void (*)()>("KeFlushQueuedDpcs")();
  });
  EXPECT_EQ(counted.calls, 2);
  EXPECT_EQ(counted.irql, kDispatchLevel);
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Dpcs, ADpcQueuesOnceAndFlushingWaitsForAll) {
  KernelForTests kernel;
  Wdk wdk(kernel);
  Counted counted{&kernel};
  kernel.run([&] {
    auto* dpc = wdk.object<KDPC>();
    kernel_routine<MSABI void (*)(KDPC*, decltype(&count_call), void*)>("KeInitializeDpc")(dpc, &count_call, &counted);
    kernel_routine<MSABI void (*)(KDPC*, CCHAR)>("KeSetTargetProcessorDpc")(dpc, 1);
    const auto insert = kernel_routine<MSABI BOOLEAN (*)(KDPC*, void*, void*)>("KeInsertQueueDpc");
    EXPECT_EQ(insert(dpc, nullptr, nullptr), TRUE);
    EXPECT_EQ(insert(dpc, nullptr, nullptr), FALSE);
    EXPECT_EQ(kernel_routine<MSABI BOOLEAN (*)(KDPC*)>("KeRemoveQueueDpc")(dpc), TRUE);
    EXPECT_EQ(insert(dpc, nullptr, nullptr), TRUE);
    kernel_routine<MSABI void (*)()>("KeFlushQueuedDpcs")();
    EXPECT_EQ(counted.calls, 1);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

}  // namespace
}  // namespace drydock::ddi
