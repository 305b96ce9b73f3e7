// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/set_elements.hpp"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "nft/owned.hpp"

namespace farewell::nft {
namespace {

// A message for each thousand elements and set, three times as many for renewals.
constexpr std::uint32_t kSequencesPerTransaction = 1024;

Owned<nftnl_set> make_set(const std::string& table, const std::string& name) {
    auto set = owned(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.c_str());
    return set;
}

int read_counter(nftnl_expr* expression, void* data) {
    auto* held = static_cast<HeldElement*>(data);
    const char* name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
    if (name != nullptr && std::string_view(name) == "counter") {
        held->packets = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
        held->bytes = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES);
    }
    return MNL_CB_OK;
}

int read_element(nftnl_set_elem* item, void* data) {
    auto* list = static_cast<std::vector<HeldElement>*>(data);
    std::uint32_t length = 0;
    const void* key = nftnl_set_elem_get(item, NFTNL_SET_ELEM_KEY, &length);
    HeldElement held;
    if (key == nullptr || length == 0 || length > held.element.key.size()) {
        return MNL_CB_OK;
    }
    std::memcpy(held.element.key.data(), key, length);
    held.element.key_bytes = static_cast<std::uint8_t>(length);
    if (nftnl_set_elem_is_set(item, NFTNL_SET_ELEM_TIMEOUT)) {
        held.element.timeout =
            std::chrono::milliseconds(nftnl_set_elem_get_u64(item, NFTNL_SET_ELEM_TIMEOUT));
    }
    if (nftnl_set_elem_is_set(item, NFTNL_SET_ELEM_EXPIRATION)) {
        held.time_left = std::chrono::milliseconds(nftnl_set_elem_get_u64(item, NFTNL_SET_ELEM_EXPIRATION));
    }
    nftnl_set_elem_expr_foreach(item, read_counter, &held);
    list->push_back(held);
    return MNL_CB_OK;
}

void read_elements(const nlmsghdr& message, std::vector<HeldElement>& list) {
    const Owned<nftnl_set> set(nftnl_set_alloc());
    if (set && nftnl_set_elems_nlmsg_parse(&message, set.get()) >= 0) {
        nftnl_set_elem_foreach(set.get(), read_element, &list);
    }
}

/// The groups cut into pieces of at most `most` elements in all.
std::vector<std::vector<SetElements::Group>> in_parts(std::span<const SetElements::Group> groups,
                                                      std::size_t most) {
    std::vector<std::vector<SetElements::Group>> parts;
    std::size_t in_last = most;
    for (const SetElements::Group& group : groups) {
        std::span<const Element> rest(group.elements);
        while (!rest.empty()) {
            if (in_last == most) {
                parts.emplace_back();
                in_last = 0;
            }
            const auto piece = rest.first(std::min(rest.size(), most - in_last));
            parts.back().push_back({.set = group.set, .elements = {piece.begin(), piece.end()}});
            in_last += piece.size();
            rest = rest.subspan(piece.size());
        }
    }
    return parts;
}

/// A dump that the ruleset changed under is asked for anew.
template <typename Ask>
auto until_it_holds_still(Ask ask) -> decltype(ask()) {
    constexpr int kAttempts = 8;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto answer = ask();
        if (answer || answer.error() != EINTR) {
            return answer;
        }
    }
    return std::unexpected(EAGAIN);
}

}  // namespace

SetElements::SetElements(std::string table, std::unique_ptr<Transport> transport)
    : table_(std::move(table)), transport_(std::move(transport)) {}

std::uint32_t SetElements::take_sequences() {
    const std::uint32_t first = sequence_;
    sequence_ += kSequencesPerTransaction;
    return first;
}

int SetElements::commit(ElementBatch& batch) {
    const auto bytes = batch.finish();
    const int reason = transport_->commit(bytes, batch.first_sequence(), batch.last_sequence());
    committed_ += reason == 0 ? 1 : 0;
    return reason;
}

std::size_t SetElements::count(std::span<const Group> groups) {
    std::size_t count = 0;
    for (const Group& group : groups) {
        count += group.elements.size();
    }
    return count;
}

int SetElements::put(std::span<const Group> groups) {
    const std::size_t elements = count(groups);
    if (elements <= kElementsPerTransaction) {
        return elements == 0 ? 0 : put_at_once(groups);
    }
    for (const auto& part : in_parts(groups, kElementsPerTransaction)) {
        if (const int reason = put_at_once(part); reason != 0) {
            return reason;
        }
    }
    return 0;
}

int SetElements::put_at_once(std::span<const Group> groups) {
    // The usual case first: none of them is there, and one message each way is all it takes.
    ElementBatch create(take_sequences());
    for (const Group& group : groups) {
        create.add({.table = table_, .set = group.set}, group.elements, ElementBatch::IfThere::fail);
    }
    if (const int reason = commit(create); reason != EEXIST) {
        return reason;
    }
    // Kernels before 6.12 keep the old timeout of an element that is added again. Added if it was missing, it
    // can be deleted for sure, and put back: in one transaction, so that at no moment it is not there.
    ElementBatch renew(take_sequences());
    for (const Group& group : groups) {
        const SetName name{.table = table_, .set = group.set};
        renew.add(name, group.elements, ElementBatch::IfThere::keep);
        renew.remove(name, group.elements);
        renew.add(name, group.elements, ElementBatch::IfThere::fail);
    }
    return commit(renew);
}

int SetElements::remove(std::span<const Group> groups) {
    for (const auto& part : in_parts(groups, kElementsPerTransaction)) {
        ElementBatch batch(take_sequences());
        for (const Group& group : part) {
            // What is not there cannot be deleted, so it is added first; nobody sees the moment between.
            const SetName name{.table = table_, .set = group.set};
            batch.add(name, group.elements, ElementBatch::IfThere::keep);
            batch.remove(name, group.elements);
        }
        if (const int reason = commit(batch); reason != 0) {
            return reason;
        }
    }
    return 0;
}

int SetElements::flush(std::span<const std::string> sets) {
    ElementBatch batch(take_sequences());
    for (const std::string& set : sets) {
        batch.flush({.table = table_, .set = set});
    }
    return commit(batch);
}

int SetElements::remove_table() {
    ElementBatch batch(take_sequences());
    batch.remove_table(table_);
    return commit(batch);
}

std::expected<std::vector<HeldElement>, int> SetElements::ask_elements(nftnl_set& wanted,
                                                                       std::uint16_t flags) {
    Question question(NFT_MSG_GETSETELEM, NFPROTO_INET, flags, take_sequences());
    nftnl_set_elems_nlmsg_build_payload(question.header(), &wanted);
    std::vector<HeldElement> list;
    const int reason =
        question.ask(*transport_, [&list](const nlmsghdr& message) { read_elements(message, list); });
    if (reason != 0) {
        return std::unexpected(reason);
    }
    return list;
}

std::expected<std::vector<HeldElement>, int> SetElements::list(const std::string& set) {
    const auto wanted = make_set(table_, set);
    return until_it_holds_still([&] { return ask_elements(*wanted, NLM_F_DUMP); });
}

std::expected<std::optional<HeldElement>, int> SetElements::get(const std::string& set,
                                                                const Element& element) {
    const auto wanted = make_set(table_, set);
    nftnl_set_elem* item = nftnl_set_elem_alloc();
    if (item == nullptr) {
        throw std::bad_alloc();
    }
    nftnl_set_elem_set(item, NFTNL_SET_ELEM_KEY, element.key.data(), element.key_bytes);
    nftnl_set_elem_add(wanted.get(), item);
    const auto found = ask_elements(*wanted, 0);
    if (found ? found->empty() : found.error() == ENOENT) {
        return std::nullopt;  // the element, or all around it, is not there
    }
    if (!found) {
        return std::unexpected(found.error());
    }
    return found->front();
}

std::expected<std::vector<std::string>, int> SetElements::set_names() {
    return until_it_holds_still([&]() -> std::expected<std::vector<std::string>, int> {
        Question question(NFT_MSG_GETSET, NFPROTO_INET, NLM_F_DUMP, take_sequences());
        std::vector<std::string> names;
        const int reason = question.ask(*transport_, [&](const nlmsghdr& message) {
            const Owned<nftnl_set> set(nftnl_set_alloc());
            if (set && nftnl_set_nlmsg_parse(&message, set.get()) >= 0 &&
                table_ == nftnl_set_get_str(set.get(), NFTNL_SET_TABLE)) {
                names.emplace_back(nftnl_set_get_str(set.get(), NFTNL_SET_NAME));
            }
        });
        if (reason != 0) {
            return std::unexpected(reason);
        }
        return names;
    });
}

std::expected<TableShape, int> SetElements::shape() {
    static_assert(kShapeQuestions <= kSequencesPerTransaction);
    return until_it_holds_still([&] { return read_shape(*transport_, take_sequences(), table_); });
}

std::expected<std::uint32_t, int> SetElements::generation() {
    Question question(NFT_MSG_GETGEN, NFPROTO_UNSPEC, 0, take_sequences());
    std::uint32_t generation = 0;
    const int reason = question.ask(*transport_, [&generation](const nlmsghdr& message) {
        const Owned<nftnl_gen> answer(nftnl_gen_alloc());
        if (answer && nftnl_gen_nlmsg_parse(&message, answer.get()) >= 0) {
            generation = nftnl_gen_get_u32(answer.get(), NFTNL_GEN_ID);
        }
    });
    if (reason != 0) {
        return std::unexpected(reason);
    }
    return generation;
}

}  // namespace farewell::nft
