// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/shared_knowledge.hpp"

namespace farewell::source {

void SharedKnowledge::publish(std::shared_ptr<const core::Knowledge> knowledge) {
    const std::scoped_lock lock(mutex_);
    knowledge_.swap(knowledge);  // the old one goes after the lock
    version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const core::Knowledge> SharedKnowledge::take(std::uint64_t& version) const {
    const std::scoped_lock lock(mutex_);
    version = version_.load(std::memory_order_relaxed);
    return knowledge_;
}

}  // namespace farewell::source
