// SPDX-License-Identifier: GPL-2.0-or-later
// Where the control thread puts what the host knows of itself, and where the receiving threads look it up for
// every packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "core/knowledge.hpp"

namespace farewell::source {

class SharedKnowledge {
 public:
    /// Not nullptr. Any thread.
    void publish(std::shared_ptr<const core::Knowledge> knowledge);

    /// One reader's share, renewed when there is something new: an atomic load a look, and no lock or
    /// reference count that receiving threads would fight for. One thread each.
    class View {
     public:
        explicit View(const SharedKnowledge& shared) : shared_(shared), knowledge_(shared.take(version_)) {}
        /// Valid until the next call.
        [[nodiscard]] const core::Knowledge& get() {
            if (shared_.version_.load(std::memory_order_acquire) != version_) [[unlikely]] {
                knowledge_ = shared_.take(version_);
            }
            return *knowledge_;
        }

     private:
        const SharedKnowledge& shared_;
        std::uint64_t version_ = 0;  // before the next, which sets it
        std::shared_ptr<const core::Knowledge> knowledge_;
    };

 private:
    [[nodiscard]] std::shared_ptr<const core::Knowledge> take(std::uint64_t& version) const;

    mutable std::mutex mutex_;
    std::shared_ptr<const core::Knowledge> knowledge_ =
        std::make_shared<const core::Knowledge>();  // by mutex_
    std::atomic<std::uint64_t> version_{0};         // written under mutex_
};

}  // namespace farewell::source
