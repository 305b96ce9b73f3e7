// SPDX-License-Identifier: GPL-2.0-or-later
// A big array whose pages come from the system as zeroes when they are first touched. For types that are
// valid when all their bits are zero.
//
// A very big one asks for huge pages (madvise(2), MADV_HUGEPAGE): a look-up anywhere in it then misses the
// cache, but not the translation of the address as well. See docs/benchmarks.md for what that is worth.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace farewell::core {

template <typename T>
class ZeroedArray {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
    /// One allocation; throws std::bad_alloc if the system refuses it.
    explicit ZeroedArray(std::size_t size) : size_(size), memory_(std::calloc(bytes(), 1)) {
        if (!memory_) {
            throw std::bad_alloc();
        }
        void* start = memory_.get();
        std::size_t space = bytes();
        first_ = static_cast<T*>(std::align(alignof(T), size * sizeof(T), start, space));
        ask_for_huge_pages();
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    /// What it takes of memory.
    [[nodiscard]] std::size_t bytes() const { return size_ * sizeof(T) + alignof(T); }
    T& operator[](std::size_t index) { return first_[index]; }
    const T& operator[](std::size_t index) const { return first_[index]; }

 private:
    static constexpr std::size_t kPage = 4096;
    static constexpr std::size_t kHugeFrom = std::size_t{8} << 20U;

    /// The system may say no; then everything works as before. Whole pages of ours only: malloc may keep its
    /// own in front of them.
    void ask_for_huge_pages() {
        if (bytes() < kHugeFrom) {
            return;
        }
        void* start = memory_.get();
        std::size_t space = bytes();
        std::align(kPage, kPage, start, space);
        static_cast<void>(madvise(start, space / kPage * kPage, MADV_HUGEPAGE));
    }

    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    std::size_t size_;
    std::unique_ptr<void, Free> memory_;
    T* first_ = nullptr;
};

}  // namespace farewell::core
