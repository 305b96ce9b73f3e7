// SPDX-License-Identifier: GPL-2.0-or-later
// Elements of the sets of one table, put there, taken out and read back, and what the table looks like around
// them. Each change is one transaction, acknowledged. Results are errno: ENOENT means that the table or a set
// is gone. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nft/element_batch.hpp"
#include "nft/table_shape.hpp"
#include "nft/transport.hpp"

struct nftnl_set;  // NOLINT(readability-identifier-naming): libnftnl's name

namespace farewell::nft {

/// An element as the kernel holds it.
struct HeldElement {
    Element element;  // its timeout is what it was given
    std::chrono::milliseconds time_left{0};
    std::uint64_t packets = 0;  // of its counter, if it has one
    std::uint64_t bytes = 0;
};

class SetElements {
 public:
    SetElements(std::string table, std::unique_ptr<Transport> transport);

    struct Group {
        std::string set;
        std::vector<Element> elements;
    };
    [[nodiscard]] static std::size_t count(std::span<const Group> groups);
    /// Afterwards the kernel holds all of them with the timeout given here, whether they were there before or
    /// not.
    [[nodiscard]] int put(std::span<const Group> groups);
    /// Takes them out; those that are not there are no error.
    [[nodiscard]] int remove(std::span<const Group> groups);
    [[nodiscard]] int flush(std::span<const std::string> sets);
    /// The table with all that is in it. ENOENT: there was none.
    [[nodiscard]] int remove_table();

    [[nodiscard]] std::expected<std::vector<HeldElement>, int> list(const std::string& set);
    [[nodiscard]] std::expected<std::optional<HeldElement>, int> get(const std::string& set,
                                                                     const Element& element);

    /// The names of all sets of the table. ENOENT never: a table that is not there has none.
    [[nodiscard]] std::expected<std::vector<std::string>, int> set_names();

    /// How many transactions this network namespace has seen; wraps around, and 0 is left out. EPERM without
    /// CAP_NET_ADMIN, EINVAL or EOPNOTSUPP where nf_tables is not there.
    [[nodiscard]] std::expected<std::uint32_t, int> generation();

    /// How many of the network namespace's transactions were changes of elements by this object.
    [[nodiscard]] std::uint32_t committed() const { return committed_; }

    /// Transport::run.
    [[nodiscard]] std::expected<void, std::string> run(const std::string& text) {
        return transport_->run(text);
    }
    /// Transport::port of the socket that all of this goes through.
    [[nodiscard]] std::uint32_t port() const { return transport_->port(); }
    [[nodiscard]] std::expected<TableShape, int> shape();

    /// More go in several transactions. If anybody listens to changes, the kernel makes a message of 4 KiB
    /// for each element and keeps it until the transaction ends (nf_tables_setelem_notify): with fifty
    /// thousand that is 200 MB. A few thousand take the same time in all.
    static constexpr std::size_t kElementsPerTransaction = 4'000;

 private:
    /// Those elements of the set that are named, or with NLM_F_DUMP all of them.
    [[nodiscard]] std::expected<std::vector<HeldElement>, int> ask_elements(nftnl_set& wanted,
                                                                            std::uint16_t flags);
    [[nodiscard]] int put_at_once(std::span<const Group> groups);
    [[nodiscard]] int commit(ElementBatch& batch);
    [[nodiscard]] std::uint32_t take_sequences();

    std::string table_;
    std::unique_ptr<Transport> transport_;
    std::uint32_t sequence_ = 1;
    std::uint32_t committed_ = 0;
};

}  // namespace farewell::nft
